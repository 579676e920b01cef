// The loop that steps rows through an engine, one step boundary at a time.
//
// Rows join and leave between steps. A row that is done in tiles takes several passes a
// step, which share forward passes like rows; the parts of its picture are encoded one at
// a time, between the steps of others. What a finished row still needs, its decoding, is
// handed to somebody else.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "common/clock.h"
#include "worker/queue/batch_policy.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/engine.h"
#include "worker/scheduler/engine_calls.h"
#include "worker/scheduler/finished_row.h"
#include "worker/scheduler/pulse.h"
#include "worker/scheduler/scheduler_parts.h"

namespace upscaler {

// Not thread-safe: one thread owns the loop, and calls the engine or has it called.
class StepLoop {
 public:
  struct Options {
    std::string device = "cpu";  // Its name in metrics.
    Batching batching = Batching::kFill;
  };

  // `caller` makes the calls that compute. `parts`, `pulses` and what `decoder` uses must
  // outlive the loop, its tasks and the pictures that come of them in bands.
  StepLoop(const SchedulerParts& parts, Options options, std::unique_ptr<Engine> engine,
           EngineCaller caller, Decoder decoder, Pulses& pulses);

  // Ends the rows that it has begun with kUnavailable.
  ~StepLoop();

  StepLoop(const StepLoop&) = delete;
  StepLoop& operator=(const StepLoop&) = delete;

  enum class Outcome {
    kStepped,  // Call it again.
    kClosed,   // The queue is closed and nothing is left to do.
    kBroken,   // The engine is of no use any more; call GiveBack.
  };

  // One step boundary, with one part of a picture encoded, and one step; waits for rows
  // where there are none.
  Outcome Run();

  // Puts the rows that were begun back into the queue, for a better engine to begin
  // anew. A row that has seen several engines break is answered kUnavailable: it may
  // be what breaks them.
  void GiveBack();

 private:
  // A row inside the engine.
  struct BegunState {
    Row row;
    RowCourse course{};
    int encodings = 0;       // Parts of its picture that Admit left,
    int encodings_left = 0;  // and those of them that are not encoded yet.
    std::vector<std::string> warnings{};
    RowTimings timings{};
    TimePoint encode_start{};
    TimePoint text_end{};
    std::optional<TimePoint> denoise_start{};  // When it was encoded.
    TimePoint::duration vae_encode{};          // So far.
  };

  // Held by pointer, so that rows stay where they are as others come and go.
  using Begun = std::unique_ptr<BegunState>;

  // Rows whose callers have left, or whose deadline has passed, leave the engine.
  void DropDeparted();
  NextStep AwaitStep();
  // Takes a row into the engine, or answers it. False if that broke the engine.
  bool Admit(Row row);
  // Encodes a part of the first picture that is not encoded yet, if there is one; where
  // that fails, its row is answered. False if the engine broke.
  bool EncodePart();
  // The row can be stepped from now on.
  void EndEncoding(BegunState& begun);
  // One forward pass for the rows of `batch`, where the tiles of a row stand one after the
  // other; rows that fail are answered, rows whose steps are done are finished. False if
  // the engine broke.
  bool Step(std::span<BegunState* const> batch);
  // Tells those who follow any of `rows` of the pass that they shared.
  void Trace(const BatchKey& key, std::span<const RowId> rows, TimePoint start,
             TimePoint end) const;
  // The row has taken so many passes.
  void Advance(BegunState& begun, int passes);
  // Tells the row what it looks like, if that is due.
  void ShowPreview(BegunState& begun);
  // Steps the rows, and where that fails as a whole, each half of them by itself, until
  // whoever is at fault is alone. Adds a status an entry, in order. False if the engine
  // broke.
  bool StepApart(const BatchKey& key, std::span<const RowId> rows,
                 std::vector<absl::Status>& statuses);
  // The error for want of memory for one row.
  absl::Status OutOfMemory(const BatchKey& key) const;
  // Takes a row out of begun_.
  Begun Take(const BegunState* begun);
  // Hands a row whose steps are done to the decoder.
  void Finish(Begun begun);
  // Puts a row that the engine failed back into the queue, or answers it.
  void Restart(Row row, const RowCourse& course);
  // Answers a row without a result and takes it out of the engine.
  void Leave(Begun begun, absl::Status status);

  const SchedulerParts& parts_;
  const Options options_;
  const std::unique_ptr<Engine> engine_;
  const EngineCaller call_;
  const Decoder decoder_;
  Pulses& pulses_;

  std::vector<Begun> begun_;
};

}  // namespace upscaler
