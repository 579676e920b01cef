#include "server/jobs/job_pages.h"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

constexpr std::uint32_t kDefaultPage = 100;
constexpr std::uint32_t kLargestPage = 1000;
// Below the 4 MiB that clients receive at most unless they are told otherwise.
constexpr std::size_t kPageBytes = std::size_t{2} << 20;

// When the last job of a page was created: no two jobs have the same time.
std::string MakeToken(SystemTime time) { return std::to_string(time.time_since_epoch().count()); }

}  // namespace

absl::StatusOr<SystemTime> PageBegin(const v1::ListUpscaleJobsRequest& request) {
  if (request.page_size() > kLargestPage) {
    return InvalidField("page_size", fmt::format("{} given; 1 to {} is allowed",
                                                 request.page_size(), kLargestPage));
  }
  if (!v1::UpscaleJobState_IsValid(request.state())) {
    return InvalidField("state",
                        fmt::format("{} given; a value of upscaler.v1.UpscaleJobState is allowed",
                                    static_cast<int>(request.state())));
  }
  const std::string& token = request.page_token();
  if (token.empty()) return SystemTime::max();
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), count);
  if (error != std::errc() || end != token.data() + token.size()) {
    return InvalidField("page_token", "no page has ended with the token given");
  }
  return SystemTime(std::chrono::nanoseconds(count));
}

v1::ListUpscaleJobsResponse MakePage(const std::vector<std::shared_ptr<Job>>& jobs,
                                     const v1::ListUpscaleJobsRequest& request) {
  const auto most = static_cast<int>(request.page_size() == 0 ? kDefaultPage : request.page_size());
  const auto wanted = [&request](v1::UpscaleJobState state) {
    return request.state() == v1::UPSCALE_JOB_STATE_UNSPECIFIED || request.state() == state;
  };
  v1::ListUpscaleJobsResponse page;
  std::size_t bytes = 0;
  SystemTime last{};
  for (const std::shared_ptr<Job>& job : jobs) {
    if (!job->admission().has_value() || !wanted(job->state())) continue;
    if (page.jobs_size() == most) {
      page.set_next_page_token(MakeToken(last));
      break;
    }
    v1::UpscaleJob facts = job->Describe();
    if (!wanted(facts.state())) continue;  // It has gone on meanwhile.
    bytes += facts.ByteSizeLong();
    if (page.jobs_size() > 0 && bytes > kPageBytes) {
      page.set_next_page_token(MakeToken(last));
      break;
    }
    *page.add_jobs() = std::move(facts);
    last = job->origin().create_time;
  }
  return page;
}

}  // namespace upscaler
