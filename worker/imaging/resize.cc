#include "worker/imaging/resize.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <vips/vips8>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using vips::VImage;

// libvips' own limit.
constexpr std::int64_t kMostReduction = 1'000'000;

// Lanczos' filter reads at least so many pixels a pixel; what is more is averaged first, which
// cannot be seen and bounds the work.
constexpr double kReducingGap = 2;

VImage Reduced(const VImage& image, int width, int height) {
  if (image.width() == width && image.height() == height) return image;
  return image.resize(static_cast<double>(width) / image.width(),
                      VImage::option()
                          ->set("vscale", static_cast<double>(height) / image.height())
                          ->set("kernel", VIPS_KERNEL_LANCZOS3)
                          ->set("gap", kReducingGap));
}

// Not by libvips' resize, which moves what it enlarges by half a pixel.
VImage Enlarged(const VImage& image, int width, int height) {
  if (image.width() == width && image.height() == height) return image;
  // Pixels are squares, and their middles are what is read and written.
  constexpr double kToMiddle = 0.5;
  return image.affine({static_cast<double>(width) / image.width(), 0, 0,
                       static_cast<double>(height) / image.height()},
                      VImage::option()
                          ->set("interpolate", vips::VInterpolate::new_from_name("bicubic"))
                          ->set("oarea", std::vector<int>{0, 0, width, height})
                          ->set("idx", kToMiddle)
                          ->set("idy", kToMiddle)
                          ->set("odx", -kToMiddle)
                          ->set("ody", -kToMiddle)
                          ->set("extend", VIPS_EXTEND_COPY));
}

}  // namespace

// With fractions in between: each step alone would round, and some downwards.
VImage AtSize(const VImage& picture, int width, int height) {
  if (picture.width() == width && picture.height() == height) return picture;
  const VImage reduced = Reduced(picture.cast(VIPS_FORMAT_FLOAT), std::min(width, picture.width()),
                                 std::min(height, picture.height()));
  return Enlarged(reduced, width, height).rint().cast(picture.format());
}

absl::Status CheckResize(int from_width, int from_height, int to_width, int to_height) {
  const auto fits = [](int from, int to) { return from <= kMostReduction * to; };
  if (fits(from_width, to_width) && fits(from_height, to_height)) return absl::OkStatus();
  return InvalidField("resize_to",
                      fmt::format("{}x{} to {}x{} is too much; a side of the picture "
                                  "can become up to {} times shorter",
                                  from_width, from_height, to_width, to_height, kMostReduction));
}

absl::StatusOr<Image> ResizeImage(Image image, int width, int height) {
  if (image.width == width && image.height == height) return image;
  UPSCALER_RETURN_IF_ERROR(CheckResize(image.width, image.height, width, height));
  try {
    return ToImage(AtSize(ViewOf(image), width, height));
  } catch (const vips::VError&) {
    vips_error_clear();
    return absl::InternalError(fmt::format("cannot resize a picture of {}x{} to {}x{}", image.width,
                                           image.height, width, height));
  }
}

}  // namespace upscaler
