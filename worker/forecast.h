// When things will be done, from the work ahead and what it costs.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "common/clock.h"
#include "worker/queue/admission.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/cost_model.h"

namespace upscaler {

// Estimates: they suppose that the replicas go on as they do. Thread-safe.
class Forecast {
 public:
  // What is passed by reference must outlive the forecast. `replicas` says how many take
  // work; it must not block.
  Forecast(const Admission& admission, const RowQueue& queue, const CostModel& costs,
           std::function<std::size_t()> replicas);

  // From now until so many rows, each with so much work, would be done if they came now.
  TimePoint::duration UntilDone(TimePoint::duration work, std::size_t rows) const;
  // The same for rows that have come, with so much work of others before them.
  TimePoint::duration UntilDone(TimePoint::duration work_before, TimePoint::duration work,
                                std::size_t rows) const;

  // From now until there is room for so many rows more, for clients that were refused.
  std::chrono::milliseconds UntilRoom(std::size_t rows) const;

 private:
  // How many times the work of one row alone is done in its time.
  double Pace() const;

  const Admission& admission_;
  const RowQueue& queue_;
  const CostModel& costs_;
  const std::function<std::size_t()> replicas_;
};

}  // namespace upscaler
