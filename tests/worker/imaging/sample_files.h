// Picture files for the tests of this room, made with libvips on the spot.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <vips/vips8>

#include "worker/imaging/image.h"

namespace upscaler::test {

// A picture without two equal neighbours, whatever the direction, and smooth
// enough for lossy formats.
inline Image Gradient(int width, int height) {
  Image image{.width = width, .height = height, .pixels = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.pixels.push_back(static_cast<std::uint8_t>((3 * x + 20) % 256));
      image.pixels.push_back(static_cast<std::uint8_t>((3 * y + 90) % 256));
      image.pixels.push_back(static_cast<std::uint8_t>((2 * x + y + 50) % 256));
    }
  }
  return image;
}

// A picture of one colour, of as many bands as `pixel` has samples.
inline vips::VImage Flat(int width, int height, const std::vector<double>& pixel,
                         VipsInterpretation space = VIPS_INTERPRETATION_sRGB,
                         VipsBandFormat format = VIPS_FORMAT_UCHAR) {
  return vips::VImage::black(width, height)
      .cast(format)
      .new_from_image(pixel)
      .copy(vips::VImage::option()->set("interpretation", space));
}

// `image` for libvips, which keeps a copy.
inline vips::VImage ToVips(Image image) {
  return vips::VImage::new_from_memory(image.pixels.data(), image.pixels.size(), image.width,
                                       image.height, 3, VIPS_FORMAT_UCHAR)
      .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB))
      .copy_memory();
}

// `image` as a file, in libvips' words: ".png", ".webp[lossless]".
inline std::string FileOf(const vips::VImage& image, const std::string& suffix) {
  void* buffer = nullptr;
  std::size_t size = 0;
  image.write_to_buffer(suffix.c_str(), &buffer, &size);
  std::string file(static_cast<const char*>(buffer), size);
  g_free(buffer);
  return file;
}

}  // namespace upscaler::test
