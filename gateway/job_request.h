// A request of HTTP about one job: which one, where that is, and who asks.

#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "client/call_options.h"
#include "gateway/backends.h"
#include "gateway/route_table.h"

namespace upscaler {

struct JobRequest {
  std::string id;  // The public one, which clients know.
  JobAddress address;
  CallOptions options;
};

// What every question to the service goes with: who asks, under which name, for how long.
CallOptions QuestionOptions(const RoutedRequest& request);

// The request whose path has the job's id as its first parameter. kNotFound, reason
// JOB_NOT_FOUND, naming job_id, for what is no job's id; otherwise as Backends::Find.
absl::StatusOr<JobRequest> ReadJobRequest(const Backends& backends, const RoutedRequest& request);

}  // namespace upscaler
