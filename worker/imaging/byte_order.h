// Numbers as files have them, in one order of bytes or the other.
//
// PNG and Photoshop's resources write the highest byte first, TIFF and EXIF say which one is.
// Files lie about where their numbers are, so that reading beyond the end is harmless here.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace upscaler {

// The number that the `size` bytes from `at` are, eight at most. 0 where they aren't all there.
inline std::uint64_t NumberAt(std::string_view bytes, std::uint64_t at, std::size_t size,
                              std::endian order) {
  if (at > bytes.size() || size > bytes.size() - at) return 0;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t place = at + (order == std::endian::big ? i : size - 1 - i);
    number = number << 8 | static_cast<std::uint8_t>(bytes[place]);
  }
  return number;
}

}  // namespace upscaler
