// What a row takes of a device's memory, for those who may not ask the engine.
//
// Whether a picture fits is asked on other threads than the engine's, and an engine that
// breaks is destroyed. So it is asked beforehand, for pictures of many sizes.

#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "worker/queue/row.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

// Immutable.
class MemoryTable {
 public:
  // Asks `engine` for squares, from the smallest to the first that has `max_pixels`.
  MemoryTable(const Engine& engine, std::int64_t max_pixels);

  // Engine::RowBytes where it was asked, and as if memory grew evenly with the pixels
  // between two sizes and beyond. It is the largest of several needs that each grow so,
  // and therefore less than this between two sizes.
  std::int64_t BytesOf(const BatchKey& key) const;

 private:
  // Bytes by pixels, without guidance and with it; at least two sizes of each.
  std::array<std::map<std::int64_t, std::int64_t>, 2> bytes_;
};

}  // namespace upscaler
