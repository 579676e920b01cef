#include "gateway/job_list.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/job_calls.h"
#include "common/error_details.h"
#include "common/status_macros.h"
#include "gateway/call_handler.h"
#include "gateway/job_answer.h"
#include "gateway/job_request.h"
#include "gateway/rest_error.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;
using Homes = std::vector<Backends::Home>;

constexpr std::uint32_t kDefaultLimit = 20;
constexpr std::uint32_t kLargestLimit = 100;

// What one server is asked.
struct Page {
  std::size_t home = 0;  // Its place in the list of servers.
  v1::ListUpscaleJobsRequest request{};
};

absl::StatusOr<std::uint32_t> ReadLimit(std::string_view text) {
  if (text.empty()) return kDefaultLimit;
  std::uint32_t limit = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, limit);
  if (stop == end && error == std::errc() && limit >= 1 && limit <= kLargestLimit) return limit;
  return InvalidField("limit", fmt::format("'{:.40}' given; a whole number, 1 to {}, is allowed",
                                           text, kLargestLimit));
}

absl::StatusOr<v1::UpscaleJobState> ReadStatus(std::string_view text) {
  const v1::UpscaleJobState state = StateNamed(text);
  if (text.empty() || state != v1::UPSCALE_JOB_STATE_UNSPECIFIED) return state;
  return InvalidField("status",
                      fmt::format("'{:.40}' given; queued, running, succeeded, failed, cancelled "
                                  "or interrupted is allowed",
                                  text));
}

// The token is the server's own, behind the prefix of its jobs' ids; the prefix alone is
// the server's first page.
absl::Status ReadAfter(std::string_view text, const Homes& homes, Page& page) {
  if (text.empty()) return absl::OkStatus();
  for (page.home = 0; page.home < homes.size(); ++page.home) {
    const std::string& prefix = homes[page.home].prefix;
    if (!text.starts_with(prefix)) continue;
    const std::string_view token = text.substr(prefix.size());
    // Other texts could not be sent.
    if (!std::ranges::all_of(
            token, [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); })) {
      break;
    }
    page.request.set_page_token(std::string(token));
    return absl::OkStatus();
  }
  return InvalidField("after", "no page has said that what was given is next");
}

absl::StatusOr<Page> ReadPage(const HttpHeaders& query, const Backends& backends) {
  UPSCALER_RETURN_IF_ERROR(backends.CheckListed());
  Page page;
  UPSCALER_ASSIGN_OR_RETURN(const std::uint32_t limit, ReadLimit(FindHeader(query, "limit")));
  page.request.set_page_size(limit);
  UPSCALER_ASSIGN_OR_RETURN(const v1::UpscaleJobState state,
                            ReadStatus(FindHeader(query, "status")));
  page.request.set_state(state);
  UPSCALER_RETURN_IF_ERROR(ReadAfter(FindHeader(query, "after"), backends.homes(), page));
  return page;
}

// Where the next page begins; null after the last one.
Json NextOf(const std::string& token, std::size_t home, const Homes& homes) {
  if (!token.empty()) return homes[home].prefix + token;
  if (home + 1 < homes.size()) return homes[home + 1].prefix;
  return nullptr;
}

HttpResponse Answer(const v1::ListUpscaleJobsResponse& list, std::size_t home, const Homes& homes,
                    const std::string& model) {
  Json data = Json::array();
  for (const v1::UpscaleJob& job : list.jobs()) {
    data.push_back(DescribeJob(job, homes[home].prefix + job.job_id(), model));
  }
  const Json next = NextOf(list.next_page_token(), home, homes);
  const Json answer = {
      {"object", "list"}, {"data", std::move(data)}, {"has_more", !next.is_null()}, {"next", next}};
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = answer.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

RouteTable::Outcome ListJobs(const UpscaleBackend& backend, const RoutedRequest& request) {
  const Homes& homes = backend.backends.homes();
  absl::StatusOr<Page> page = ReadPage(request.http.query, backend.backends);
  if (!page.ok()) return ErrorResponse(page.status());
  const auto call = JobListCall::Create();
  return std::make_shared<CallHandler>(call, [&backend, &homes, call, page = *std::move(page),
                                              options = QuestionOptions(request)](Respond respond) {
    call->Start(homes[page.home].channel, &JobMethods::ListUpscaleJobs, page.request, options,
                [&backend, &homes, home = page.home, respond = std::move(respond)](
                    const absl::StatusOr<v1::ListUpscaleJobsResponse>& list) mutable {
                  std::move(respond)(list.ok() ? Answer(*list, home, homes, backend.model())
                                               : ErrorResponse(list.status()));
                });
  });
}

}  // namespace upscaler
