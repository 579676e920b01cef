// What is measured before the first client comes.

#pragma once

#include <cstdint>

#include <absl/status/status.h>

#include "common/clock.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

struct WarmUpOptions {
  std::int64_t max_pixels = std::int64_t{1} << 20;  // Of the largest picture measured.
  // How long it may take. Always measured is one row of the smallest picture.
  TimePoint::duration budget{};
};

// Measures what rows cost on `engine`, alone and in batches, for squares from the smallest
// on, each twice the one before. What the budget is too short for is measured by the first
// clients' steps: see CostModel::BatchCap. Fails when the engine cannot do the smallest
// picture; a larger one that does not fit ends the measurement.
absl::Status MeasureCosts(Engine& engine, const WarmUpOptions& options, const Clock& clock,
                          CostModel& costs);

}  // namespace upscaler
