// A picture as the model sees it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace upscaler {

// sRGB, three interleaved channels, rows from the top without gaps: [height, width, 3]. A sample
// has 8 or 16 bits, all of which are used: white is 255 or 65535.
struct Image {
  static constexpr std::size_t kChannels = 3;

  int width = 0;   // In pixels.
  int height = 0;  // In pixels.
  int bits = 8;    // Of a sample. With 16 it is two of `pixels`, in the machine's byte order.
  std::vector<std::uint8_t> pixels;

  std::size_t bytes_per_pixel() const { return kChannels * static_cast<std::size_t>(bits / 8); }
  std::size_t bytes_per_row() const { return static_cast<std::size_t>(width) * bytes_per_pixel(); }

  bool operator==(const Image&) const = default;
};

}  // namespace upscaler
