// What the threads of all replicas have in common.

#pragma once

#include "common/clock.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/observer.h"

namespace upscaler {

// Borrowed; it outlives them, and the pictures that come of them.
struct SchedulerParts {
  RowQueue& queue;
  CostModel& costs;
  const Clock& clock;
  Observer& observer;
};

}  // namespace upscaler
