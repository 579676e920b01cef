// The store of jobs as the settings ask for it.

#pragma once

#include <memory>

#include <absl/status/statusor.h>

#include "server/jobs/job_store.h"
#include "server/settings.h"
#include "telemetry/log.h"

namespace upscaler {

// As JobStore::Open. `logger` must outlive the store: it is told how jobs end, since calls are
// logged when they end, and a job's call ends at its begin.
absl::StatusOr<std::unique_ptr<JobStore>> OpenJobs(const Settings& settings, Logger& logger);

}  // namespace upscaler
