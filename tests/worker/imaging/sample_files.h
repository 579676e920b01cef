// Picture files for the tests of this room, made with libvips on the spot.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <vips/vips8>

#include "worker/imaging/image.h"

namespace upscaler::test {

// A picture without two equal neighbours, whatever the direction, and smooth
// enough for lossy formats.
inline Image Ramps(int width, int height) {
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

// Waves of colour: steep enough for a shift of half a pixel to show, and smooth enough for
// lossy formats and filters.
inline Image Waves(int width, int height) {
  constexpr double kPeriod = 17;  // Pixels.
  const auto level = [](double phase) {
    return static_cast<std::uint8_t>(std::lround(128 + 70 * std::sin(phase)));
  };
  Image image{.width = width, .height = height, .pixels = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double across = 2 * std::numbers::pi * x / kPeriod;
      const double down = 2 * std::numbers::pi * y / kPeriod;
      image.pixels.insert(image.pixels.end(),
                          {level(across), level(down + 1), level((across + down) / 2 + 2)});
    }
  }
  return image;
}

// `image` for libvips, which keeps a copy.
inline vips::VImage ToVips(Image image) {
  const bool deep = image.bits == 16;
  return vips::VImage::new_from_memory(image.pixels.data(), image.pixels.size(), image.width,
                                       image.height, 3,
                                       deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR)
      .copy(vips::VImage::option()->set(
          "interpretation", deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB))
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

// `image` in the colours of one of libvips' own profiles, "p3" for instance, which it carries.
inline vips::VImage InProfile(const vips::VImage& image, const char* profile) {
  return image.icc_transform(profile, vips::VImage::option()->set("input_profile", "srgb"));
}

// What `image` carries under a name, for libvips' own names.
inline std::string BlobOf(const vips::VImage& image, const char* name) {
  std::size_t size = 0;
  const auto* blob = static_cast<const char*>(image.get_blob(name, &size));
  return {blob, size};
}

inline void SetBlob(vips::VImage& image, const char* name, const std::string& blob) {
  vips_image_set_blob_copy(image.get_image(), name, blob.data(), blob.size());
}

// A file as libvips reads it, which must be there for as long as that does.
inline vips::VImage Open(const std::string& file) {
  return vips::VImage::new_from_buffer(file.data(), file.size(), /*option_string=*/"");
}
vips::VImage Open(std::string&& file) = delete;

// What a file carries under a name, for libvips' own names.
inline std::string BlobOfFile(const std::string& file, const char* name) {
  return BlobOf(Open(file), name);
}

// The file of a picture of one pixel, with EXIF that says who made it and where.
inline std::string FileWithExif(const std::string& suffix) {
  vips::VImage image = vips::VImage::black(1, 1).copy();
  image.set("exif-ifd0-Make", "Kodak (Kodak, ASCII, 6 components, 6 bytes)");
  image.set("exif-ifd3-GPSLatitude", "48/1 12/1 7/1 (48, 12, 7, Rational, 3 components, 24 bytes)");
  return FileOf(image, suffix);
}

}  // namespace upscaler::test
