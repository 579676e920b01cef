#include "server/memory_table.h"

#include <cstddef>
#include <iterator>

namespace upscaler {

MemoryTable::MemoryTable(const Engine& engine, std::int64_t max_pixels) {
  const SideRule sides = engine.sides();
  for (const bool guided : {false, true}) {
    std::map<std::int64_t, std::int64_t>& bytes = bytes_[static_cast<std::size_t>(guided)];
    std::int64_t pixels = 0;
    for (int side = sides.minimum; pixels < max_pixels || bytes.size() < 2;
         side += sides.multiple) {
      pixels = std::int64_t{side} * side;
      bytes[pixels] = engine.RowBytes({.width = side, .height = side, .guided = guided});
    }
  }
}

std::int64_t MemoryTable::BytesOf(const BatchKey& key) const {
  const auto& bytes = bytes_[static_cast<std::size_t>(key.guided)];
  const std::int64_t pixels = std::int64_t{key.width} * key.height;
  auto upper = bytes.lower_bound(pixels);
  if (upper == bytes.end()) upper = std::prev(upper);
  if (upper == bytes.begin()) upper = std::next(upper);
  const auto lower = std::prev(upper);
  const double slope = static_cast<double>(upper->second - lower->second) /
                       static_cast<double>(upper->first - lower->first);
  return lower->second +
         static_cast<std::int64_t>(slope * static_cast<double>(pixels - lower->first));
}

}  // namespace upscaler
