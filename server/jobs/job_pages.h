// Lists of jobs, a page at a time.

#pragma once

#include <memory>
#include <vector>

#include <absl/status/statusor.h>

#include "proto/upscaler/v1/job.pb.h"
#include "server/jobs/job.h"
#include "server/jobs/system_time.h"

namespace upscaler {

// Only jobs that were created before this are on the page. kInvalidArgument naming the
// field: a size, a token or a state that is none.
absl::StatusOr<SystemTime> PageBegin(const v1::ListUpscaleJobsRequest& request);

// The page of `jobs`, newest first, of which none was created later than PageBegin: at most
// as many as were asked for, fewer where they are long. Those that were not admitted yet
// are left out.
v1::ListUpscaleJobsResponse MakePage(const std::vector<std::shared_ptr<Job>>& jobs,
                                     const v1::ListUpscaleJobsRequest& request);

}  // namespace upscaler
