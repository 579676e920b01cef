// A picture as the model sees it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace upscaler {

// 8-bit sRGB, three interleaved channels, rows from the top without gaps:
// [height, width, 3].
struct Image {
  static constexpr std::size_t kChannels = 3;

  int width = 0;   // In pixels.
  int height = 0;  // In pixels.
  std::vector<std::uint8_t> pixels;

  bool operator==(const Image&) const = default;
};

}  // namespace upscaler
