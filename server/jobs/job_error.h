// Errors that are kept: an absl::Status as a message of the contract, and back.

#pragma once

#include <absl/status/status.h>

#include "proto/upscaler/v1/job.pb.h"

namespace upscaler {

// With all details. Requires an error.
v1::UpscaleJobError ToJobError(const absl::Status& error);

// The same error again.
absl::Status FromJobError(const v1::UpscaleJobError& error);

// kNotFound, reason JOB_NOT_FOUND, naming job_id as all that is about the id does.
absl::Status JobNotFound();

// kNotFound, reason JOB_GONE: there was such a job, which was deleted or is kept no longer.
absl::Status JobGone();

// kAborted, reason INTERRUPTED: the server ended before the job did.
absl::Status JobInterrupted();

}  // namespace upscaler
