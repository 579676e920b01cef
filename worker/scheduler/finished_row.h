// What a row still needs when its steps are done: its decoding and its answer.
//
// Neither takes the engine, so both may be done beside its steps.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "worker/imaging/padding.h"
#include "worker/queue/row.h"
#include "worker/scheduler/engine.h"
#include "worker/scheduler/pulse.h"
#include "worker/scheduler/scheduler_parts.h"

namespace upscaler {

// Run once, on any thread.
using DecodingTask = absl::AnyInvocable<void() &&>;

// Runs such tasks, one after the other, somewhere else. May block while too many of them
// wait. Thread-safe.
using Decoder = std::function<void(DecodingTask)>;

// Where decodings happen. `parts` and `pulse` must outlive them, and the pictures that come
// of them in parts.
struct DecodingPlace {
  const SchedulerParts& parts;
  Pulse& pulse;     // Of the decoder's tasks.
  Decoder decoder;  // May be used for as long as they live, too.
  SideRule sides;   // The model's.
};

struct FinishedRow {
  Row row;
  std::vector<std::string> warnings;
  RowTimings timings;
};

// Decodes and answers the row. A task of the decoder's. What comes in bands is sent before
// they are decoded: see DecodedRows.
void Decode(const DecodingPlace& place, FinishedRow finished, Engine::Decoding decoding);

}  // namespace upscaler
