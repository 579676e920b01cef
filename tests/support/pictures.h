// Small pictures for tests.

#pragma once

#include <cstdint>
#include <string>

#include "worker/imaging/codec.h"
#include "worker/imaging/image.h"

namespace upscaler::test {

// A picture in which every pixel differs from its neighbours.
inline Image Gradient(int width, int height) {
  Image image{.width = width, .height = height, .pixels = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.pixels.push_back(static_cast<std::uint8_t>(7 * x % 256));
      image.pixels.push_back(static_cast<std::uint8_t>(11 * y % 256));
      image.pixels.push_back(static_cast<std::uint8_t>((x + y) % 256));
    }
  }
  return image;
}

inline std::string GradientPng(int width, int height) {
  return EncodeImage(Gradient(width, height), {.format = ImageFormat::kPng}).value();
}

}  // namespace upscaler::test
