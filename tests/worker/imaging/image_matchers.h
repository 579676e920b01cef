// How near two pictures are, in levels of 255.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gmock/gmock.h>

#include "worker/imaging/image.h"

namespace upscaler::test {

// The sample with this index, of 0 to 255, with fractions where there are 16 bits.
inline double LevelOf(const Image& image, std::size_t index) {
  if (image.bits == 8) return image.pixels[index];
  std::uint16_t sample = 0;
  std::memcpy(&sample, image.pixels.data() + index * sizeof sample, sizeof sample);
  return sample / 257.0;
}

inline std::size_t SampleCount(const Image& image) {
  return Image::kChannels * static_cast<std::size_t>(image.width) *
         static_cast<std::size_t>(image.height);
}

// Matches a picture of the same size, of whatever bits, whose every sample is within
// `tolerance`.
MATCHER_P2(ImageNear, expected, tolerance, "is near the expected picture") {
  if (arg.width != expected.width || arg.height != expected.height) {
    *result_listener << "is " << arg.width << "x" << arg.height;
    return false;
  }
  double worst = 0;
  for (std::size_t i = 0; i < SampleCount(expected); ++i) {
    worst = std::max(worst, std::abs(LevelOf(arg, i) - LevelOf(expected, i)));
  }
  *result_listener << "misses by " << worst << " at worst";
  return worst <= tolerance;
}

}  // namespace upscaler::test
