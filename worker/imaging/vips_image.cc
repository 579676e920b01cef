#include "worker/imaging/vips_image.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace upscaler {
namespace {

using vips::VImage;

// As many as libvips' loaders decode at a time.
constexpr int kRowsAtATime = 16;

VImage ViewOf(const std::vector<std::uint8_t>& samples, int width, int height, int channels,
              int bits) {
  // libvips takes a mutable pointer and does not write to it.
  auto* memory = const_cast<std::uint8_t*>(samples.data());  // NOLINT(*-const-cast)
  return VImage::new_from_memory(memory, samples.size(), width, height, channels,
                                 SampleFormat(bits))
      .copy(VImage::option()->set("interpretation", SpaceOf(channels, bits)));
}

}  // namespace

void ForEachRow(const VImage& picture,
                absl::FunctionRef<void(const std::uint8_t* row, int y)> take) {
  const vips::VRegion region = vips::VRegion::new_from_image(picture);
  for (int top = 0; top < picture.height(); top += kRowsAtATime) {
    const int rows = std::min(kRowsAtATime, picture.height() - top);
    region.prepare(0, top, picture.width(), rows);
    for (int y = top; y < top + rows; ++y) take(region.addr(0, y), y);
  }
}

Image ToImage(const VImage& picture) {
  Image image{.width = picture.width(),
              .height = picture.height(),
              .bits = picture.format() == VIPS_FORMAT_USHORT ? 16 : 8,
              .pixels = {}};
  const std::size_t row_bytes = image.bytes_per_row();
  image.pixels.reserve(row_bytes * static_cast<std::size_t>(image.height));
  ForEachRow(picture, [&](const std::uint8_t* row, int /*y*/) {
    image.pixels.insert(image.pixels.end(), row, row + row_bytes);
  });
  return image;
}

VImage ViewOf(const Image& image) {
  return ViewOf(image.pixels, image.width, image.height, Image::kChannels, image.bits);
}

VImage ViewOf(const AlphaPlane& alpha) {
  return ViewOf(alpha.samples, alpha.width, alpha.height, 1, alpha.bits);
}

VipsBandFormat SampleFormat(int bits) { return bits == 8 ? VIPS_FORMAT_UCHAR : VIPS_FORMAT_USHORT; }

VipsInterpretation SpaceOf(int channels, int bits) {
  if (channels < 3) return bits == 8 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_GREY16;
  return bits == 8 ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_RGB16;
}

}  // namespace upscaler
