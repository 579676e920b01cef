// The thread that drives one replica of the model.
//
// It steps a batch of rows through the engine. Rows join and leave between
// steps, so a short request does not wait for a long one to end.

#pragma once

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/engine.h"
#include "worker/scheduler/observer.h"

namespace upscaler {

// Takes rows from the queue and answers them, on a thread of its own, until the
// queue is closed and drained.
class Replica {
 public:
  // Starts at once. What is passed by reference must outlive the replica.
  // Requires max_batch > 0.
  Replica(RowQueue& queue, std::unique_ptr<Engine> engine, std::size_t max_batch,
          const Clock& clock, Observer& observer);

  // Waits for the thread, which leaves when the queue is closed: close it first.
  ~Replica() = default;

  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

 private:
  // A row inside the engine.
  struct RunningRow {
    Row row;
    int steps_done = 0;
    std::vector<std::string> warnings;
    RowTimings timings;
    TimePoint denoise_start;
  };

  void Run();
  // Rows enter the engine; those that it refuses are answered.
  void Admit(std::vector<Row> rows);
  // Rows whose callers have left, or whose deadline has passed, leave the engine.
  void DropDeparted();
  // One forward pass for all running rows; rows that fail are answered.
  void Step();
  // Rows whose steps are done are decoded and answered.
  void Finish();
  // Answers `running` and takes it out of the engine.
  void Leave(RunningRow running, absl::StatusOr<RowResult> result);

  RowQueue& queue_;
  const std::unique_ptr<Engine> engine_;
  const std::size_t max_batch_;
  const Clock& clock_;
  Observer& observer_;

  // All of one key. Touched by the thread alone.
  std::vector<RunningRow> running_;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
