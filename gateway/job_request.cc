#include "gateway/job_request.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include <absl/strings/ascii.h>

#include "common/error_details.h"
#include "gateway/api_key.h"
#include "gateway/trace_headers.h"

namespace upscaler {
namespace {

// Far more than it takes a server that is well.
constexpr std::chrono::seconds kQuestionTimeout{30};

constexpr std::size_t kMaxIdBytes = 100;

// Other texts need not be asked for, and some could not be sent.
bool IsJobId(const std::string& id) {
  return id.size() <= kMaxIdBytes && std::ranges::all_of(id, [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

absl::Status NoSuchJob() {
  return WithReason(WithField(absl::NotFoundError("job_id: there is no such job"), "job_id"),
                    "JOB_NOT_FOUND");
}

}  // namespace

CallOptions QuestionOptions(const RoutedRequest& request) {
  const std::optional<TraceContext> trace = TraceOf(request.http.headers);
  return {.api_key = ApiKeyOf(request.http.headers),
          .request_id = request.id,
          .traceparent = trace.has_value() ? trace->traceparent : "",
          .tracestate = trace.has_value() ? trace->tracestate : "",
          .timeout = kQuestionTimeout};
}

absl::StatusOr<JobRequest> ReadJobRequest(const Backends& backends, const RoutedRequest& request) {
  const std::string& id = request.parameters.front();
  absl::StatusOr<JobAddress> address = NoSuchJob();
  if (IsJobId(id)) address = backends.Find(id);
  if (absl::IsNotFound(address.status())) return NoSuchJob();
  if (!address.ok()) return address.status();
  return JobRequest{.id = id, .address = *std::move(address), .options = QuestionOptions(request)};
}

}  // namespace upscaler
