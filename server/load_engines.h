// From settings to engines that are ready to work, and what is known of them then.

#pragma once

#include <memory>
#include <vector>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "server/settings.h"
#include "telemetry/log.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/padding.h"
#include "worker/request_plan.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

struct LoadedEngines {
  std::vector<std::unique_ptr<Engine>> engines;  // One for each of the devices, in order.
  std::unique_ptr<CostModel> costs;              // As measured on one engine of each device.
  SideRule sides;                                // The model's.
  LatentsRule latents;                           // The model's.
  MemoryLimit memory;                            // What every device has for a row.
};

// Makes the engines one after another and measures what they cost; logs both. Blocks for
// as long as that takes. Fails as EngineSource::Make, or when a device cannot do the
// smallest picture.
absl::StatusOr<LoadedEngines> LoadEngines(const Settings& settings, EngineSource& source,
                                          const Clock& clock, Logger& logger);

}  // namespace upscaler
