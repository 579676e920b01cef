// How much device memory a row needs, from the sizes of the networks alone.
//
// Whoever decides what to admit, and how many rows go into a pass, has to know
// before the memory is asked for; docs/adr/0009 has the estimate beside what was
// measured.

#pragma once

#include <cstdint>

#include "worker/models/pipeline/checkpoint.h"

namespace upscaler {

struct RowShape {
  std::int64_t width = 0;  // Of the padded picture, in pixels.
  std::int64_t height = 0;
  std::int64_t passes = 1;  // Of the UNet, a step.
};

// The most bytes that a row has on the device at any time, beside the model: its own
// tensors and, at the worst moment of a step or of the decoding, those of the network
// that works on it, and what the allocator loses between them. On a CPU it is above
// what was measured, by less than as much again; a GPU was not measured. Thread-safe.
std::int64_t PeakRowBytes(const Checkpoint& checkpoint, const RowShape& shape);

}  // namespace upscaler
