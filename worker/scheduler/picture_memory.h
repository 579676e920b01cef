// What is said of a picture that the device has no memory for.

#pragma once

#include <cstdint>

#include <absl/status/status.h>

#include "worker/imaging/padding.h"
#include "worker/queue/row.h"

namespace upscaler {

// kResourceExhausted for a picture of `key` that takes `needed` bytes where there are
// `available`, naming a size of the same shape that should fit. Where the picture should
// have fitted and did not, that is one of half the pixels.
absl::Status TooLargeForMemory(const BatchKey& key, std::int64_t needed, std::int64_t available,
                               const SideRule& sides);

// The same for tiles, naming a side that should fit.
absl::Status TileTooLargeForMemory(int tile_side, std::int64_t needed, std::int64_t available,
                                   const SideRule& sides);

}  // namespace upscaler
