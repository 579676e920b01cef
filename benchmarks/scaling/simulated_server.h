// One server of a simulated fleet: the product's own admission, queue, costs, policy and
// step loops, around engines that only let time pass.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <absl/status/status.h>

#include "benchmarks/scaling/agenda.h"
#include "benchmarks/scaling/costs.h"
#include "tests/support/engine_script.h"
#include "tests/support/null_observer.h"
#include "worker/forecast.h"
#include "worker/queue/admission.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler::benchmark {

// Not thread-safe.
//
// A step's work is told to the queue when the step begins, not when it ends. With several
// devices the others see it a step too early, which changes their order by as much.
class SimulatedServer {
 public:
  struct Options {
    std::size_t devices = 1;
    std::size_t queue_capacity = 64;
    std::size_t max_batch = 8;
  };

  // A picture is answered, having waited so long for a device.
  using Answered = std::function<void(std::size_t picture, TimePoint::duration wait)>;

  // Measures its costs, which takes no time. `costs` and `agenda` must outlive the server.
  SimulatedServer(const Costs& costs, const Options& options, Agenda& agenda, Answered answered);

  SimulatedServer(const SimulatedServer&) = delete;
  SimulatedServer& operator=(const SimulatedServer&) = delete;

  // Takes a picture of so many steps in, or refuses it as the product does, with the time
  // after which there should be room.
  absl::Status Offer(std::size_t picture, int steps);

  // Pictures admitted and not answered: what the autoscaler looks at.
  std::size_t rows() const { return admission_.rows(); }
  // Device time spent.
  TimePoint::duration busy() const { return busy_; }

 private:
  struct Device {
    explicit Device(const Clock& clock) : pulses(clock) {}

    test::EngineScript script;
    Pulses pulses;
    std::unique_ptr<StepLoop> loop;
    bool stepping = false;
  };

  void AddDevice();
  // Lets devices that have nothing to do begin with what is there.
  void WakeDevices();
  void Step(Device& device);

  const Costs& costs_;
  Agenda& agenda_;
  const Answered answered_;
  test::NullObserver observer_;
  Admission admission_;
  RowQueue queue_;
  CostModel measured_;
  const SchedulerParts parts_;
  const Forecast forecast_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::unordered_map<std::size_t, Reservation> reservations_;  // By picture.
  TimePoint::duration busy_{};
};

}  // namespace upscaler::benchmark
