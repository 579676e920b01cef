#include "worker/imaging/vips_image.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace upscaler {
namespace {

using vips::VImage;

struct FreeWithGlib {
  void operator()(void* memory) const { g_free(memory); }
};

}  // namespace

Image ToImage(const VImage& picture) {
  std::size_t size = 0;
  const std::unique_ptr<void, FreeWithGlib> memory(picture.write_to_memory(&size));
  const std::span samples(static_cast<const std::uint8_t*>(memory.get()), size);
  return Image{.width = picture.width(),
               .height = picture.height(),
               .pixels = std::vector(samples.begin(), samples.end())};
}

VImage ViewOf(const Image& image) {
  // libvips takes a mutable pointer and does not write to it.
  auto* pixels = const_cast<std::uint8_t*>(image.pixels.data());  // NOLINT(*-const-cast)
  return VImage::new_from_memory(pixels, image.pixels.size(), image.width, image.height,
                                 Image::kChannels, VIPS_FORMAT_UCHAR)
      .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
}

}  // namespace upscaler
