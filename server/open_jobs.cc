#include "server/open_jobs.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <absl/status/status.h>

#include "common/error_details.h"
#include "server/jobs/job.h"
#include "telemetry/request_id.h"

namespace upscaler {
namespace {

constexpr std::size_t kBytesPerMib = std::size_t{1} << 20;

void LogEnd(const Job::Origin& job, const JobEnd& end, Logger& logger) {
  Logger::Fields fields = {
      {"job_id", job.id},
      {"idempotency_key", job.request_id},
      {"caller", job.caller},
      {"state", v1::UpscaleJobState_Name(end.state)},
      {"code", absl::StatusCodeToString(end.error.code())},
      {"seconds", std::chrono::duration<double>(end.end_time - job.create_time).count()}};
  if (!job.call_request_id.empty()) fields.push_back({"request_id", job.call_request_id});
  if (!job.trace_id.empty()) fields.push_back({"trace_id", job.trace_id});
  if (end.error.ok()) {
    logger.Info("job done", fields);
    return;
  }
  fields.push_back({"reason", ReasonOf(end.error).value_or("")});
  fields.push_back({"error", std::string(end.error.message())});
  if (absl::IsInternal(end.error)) {
    logger.Error("job failed", fields);
  } else {
    logger.Info("job failed", fields);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobStore>> OpenJobs(const Settings& settings, Logger& logger) {
  return JobStore::Open(
      {.limits = {.jobs = settings.max_jobs,
                  .bytes = static_cast<std::int64_t>(settings.job_mib * kBytesPerMib)},
       .ttl = std::chrono::seconds(settings.job_ttl_seconds),
       .folder = settings.job_dir,
       .now = std::chrono::system_clock::now,
       .make_id = MakeRequestId,
       .report =
           [&logger](const std::string& problem) {
             logger.Error("jobs", {{"error", problem}});
           },
       .on_end = [&logger](const Job::Origin& job,
                           const JobEnd& end) { LogEnd(job, end, logger); }});
}

}  // namespace upscaler
