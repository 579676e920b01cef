// One replica of the model: the threads that drive it, and what happens when it breaks.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <semaphore>
#include <stop_token>
#include <string>
#include <thread>

#include "worker/scheduler/computing_thread.h"
#include "worker/scheduler/engine.h"
#include "worker/scheduler/engine_calls.h"
#include "worker/scheduler/pulse.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler {

// How a replica is, from well to lost.
enum class ReplicaHealth {
  kServing,
  kLate,        // A pass takes longer than it should.
  kRebuilding,  // Its engine broke, and another is being made.
  kStuck,       // A pass hangs.
  kGone,        // Its engine broke, and no other can be made.
};

// Takes rows from the queue and answers them until the queue is closed and drained:
// one thread steps, another decodes what was finished. Where the engine wants one thread, the
// latter takes the steps, too, and the former decides which. health() is thread-safe; the
// rest belongs to the owner.
class Replica {
 public:
  struct Options {
    std::string device = "cpu";
    Batching batching = Batching::kFill;
    // An engine that broke is replaced; how often this is tried, and how long to wait
    // after each try that fails.
    int rebuild_attempts = 5;
    std::chrono::milliseconds rebuild_pause{2000};
  };

  // Starts at once. What is passed by reference must outlive the replica. `on_gone` is
  // called at most once, on the replica's thread, when it has given up.
  Replica(const SchedulerParts& parts, Options options, EngineSource& engines,
          std::unique_ptr<Engine> engine, std::function<void()> on_gone);

  // Waits for the threads, which leave when the queue is closed and drained: close it
  // first.
  ~Replica() = default;

  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  ReplicaHealth health() const;

 private:
  enum class State { kServing, kRebuilding, kGone };

  void Run(std::unique_ptr<Engine> engine, const std::stop_token& stop);
  // Drives `engine` for as long as it lasts. True when it broke, false when the queue is closed.
  bool Serve(std::unique_ptr<Engine> engine);
  // Null when it cannot be had, or when the replica ends meanwhile.
  std::unique_ptr<Engine> Rebuild(const std::stop_token& stop);
  // Makes the call where the engine wants it.
  void Call(EngineCall call);
  // Hands `task` to the computing thread; waits while too many are there.
  void Decode(DecodingTask task);
  // Waits until none is there: they hold what the broken engine's model occupies. So do
  // pictures of which bands are still to be asked for, but whoever asks may take long:
  // where there is no room beside them, the engine is tried again later.
  void AwaitDecodings();

  const SchedulerParts& parts_;
  const Options options_;
  EngineSource& engines_;
  const std::function<void()> on_gone_;
  const bool one_thread_;  // As all engines of one device want it.
  Pulses pulses_;
  std::atomic<State> state_ = State::kServing;

  // Finished rows that wait for their decoding hold memory: so many at most, then
  // steps wait too. Rows then wait in the queue, which is bounded.
  std::counting_semaphore<> decoding_places_;

  // Last, so that they start after, and end before, everything they use; the thread that
  // decides ends first.
  ComputingThread computing_thread_;
  std::jthread thread_;
};

}  // namespace upscaler
