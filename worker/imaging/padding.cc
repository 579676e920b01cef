#include "worker/imaging/padding.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>

namespace upscaler {
namespace {

std::span<const std::uint8_t> Row(const Image& image, int y) {
  return std::span(image.pixels)
      .subspan(static_cast<std::size_t>(y) * image.bytes_per_row(), image.bytes_per_row());
}

Image BlankImage(int width, int height, int bits) {
  Image image{.width = width, .height = height, .bits = bits, .pixels = {}};
  image.pixels.reserve(static_cast<std::size_t>(height) * image.bytes_per_row());
  return image;
}

}  // namespace

int PaddedSide(int side, const SideRule& rule) {
  const int wanted = std::max(side, rule.minimum);
  return (wanted + rule.multiple - 1) / rule.multiple * rule.multiple;
}

int ReflectedIndex(int index, int size) {
  const int within_period = index % (2 * size);
  return std::min(within_period, 2 * size - 1 - within_period);
}

Image PadByReflection(const Image& image, const SideRule& rule) {
  assert(image.width >= 1 && image.height >= 1);
  Image padded =
      BlankImage(PaddedSide(image.width, rule), PaddedSide(image.height, rule), image.bits);
  const std::size_t pixel_bytes = image.bytes_per_pixel();

  for (int y = 0; y < padded.height; ++y) {
    const auto row = Row(image, ReflectedIndex(y, image.height));
    padded.pixels.insert(padded.pixels.end(), row.begin(), row.end());
    for (int x = image.width; x < padded.width; ++x) {
      const auto pixel = row.subspan(
          static_cast<std::size_t>(ReflectedIndex(x, image.width)) * pixel_bytes, pixel_bytes);
      padded.pixels.insert(padded.pixels.end(), pixel.begin(), pixel.end());
    }
  }
  return padded;
}

}  // namespace upscaler
