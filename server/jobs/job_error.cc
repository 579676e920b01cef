#include "server/jobs/job_error.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

absl::Status AboutId(std::string_view message) {
  return WithField(absl::NotFoundError(fmt::format("job_id: {}", message)), "job_id");
}

}  // namespace

v1::UpscaleJobError ToJobError(const absl::Status& error) {
  v1::UpscaleJobError proto;
  proto.set_code(static_cast<std::uint32_t>(error.code()));  // absl and gRPC number alike.
  proto.set_message(std::string(error.message()));
  proto.set_reason(ReasonOf(error).value_or(absl::StatusCodeToString(error.code())));
  proto.set_field(FieldOf(error).value_or(""));
  if (const auto delay = RetryAfterOf(error)) {
    proto.mutable_retry_delay()->set_seconds(delay->count() / 1000);
    proto.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(delay->count() % 1000) *
                                           1'000'000);
  }
  return proto;
}

absl::Status FromJobError(const v1::UpscaleJobError& error) {
  absl::Status status = WithReason(
      absl::Status(static_cast<absl::StatusCode>(error.code()), error.message()), error.reason());
  if (!error.field().empty()) status = WithField(status, error.field());
  if (error.has_retry_delay()) {
    status = WithRetryAfter(status,
                            std::chrono::seconds(error.retry_delay().seconds()) +
                                std::chrono::milliseconds(error.retry_delay().nanos() / 1'000'000));
  }
  return status;
}

absl::Status JobNotFound() {
  return WithReason(AboutId("there is no such job, or not any more"), "JOB_NOT_FOUND");
}

absl::Status JobGone() {
  return WithReason(AboutId("the job is gone: it was deleted, or is not kept any longer"),
                    "JOB_GONE");
}

absl::Status JobInterrupted() {
  return WithReason(
      absl::AbortedError("the server ended before the job did; it can be created anew"),
      "INTERRUPTED");
}

}  // namespace upscaler
