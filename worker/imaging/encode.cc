#include "worker/imaging/encode.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/answer_colours.h"
#include "worker/imaging/memory_target.h"
#include "worker/imaging/metadata.h"
#include "worker/imaging/row_source.h"
#include "worker/imaging/vips_image.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {
namespace {

using vips::VImage;

// Where chunks can be put into a PNG: after its signature and its header.
constexpr std::size_t kPngHeaderBytes = 33;

// Beyond it TIFF's own numbers don't reach; some room is left for what isn't pixels.
constexpr std::uint64_t kMostTiffBytes = 0xf000'0000;

// Of 0 to 9. More takes several times as long for files a few percent smaller.
constexpr int kAvifEffort = 2;

// What files have beside their pixels, at least.
constexpr std::size_t kOverheadBytes = 64 << 10;

struct Size {
  int width = 0;
  int height = 0;
};

bool CanWrite(ImageFormat format) {
  return format != ImageFormat::kAvif || vips_type_find("VipsForeignSave", "heifsave_target") != 0;
}

absl::Status CheckAnswer(Size size, const EncodeOptions& options) {
  UPSCALER_RETURN_IF_ERROR(CheckSides(size.width, size.height, options.format));
  UPSCALER_RETURN_IF_ERROR(CheckBits(options.bits, options.format));
  if (CanWrite(options.format)) return absl::OkStatus();
  return InvalidField("output_format",
                      fmt::format("{} cannot be written here", NameOf(options.format)));
}

// The alpha plane beside `colours`, or white beneath them.
VImage WithAlpha(const VImage& colours, const PictureTraits& traits, const EncodeOptions& options) {
  if (traits.alpha == nullptr) return colours;
  const VImage plane =
      AtSize(WithBits(ViewOf(*traits.alpha), options.bits), colours.width(), colours.height());
  const VImage joined = colours.bandjoin(plane).copy(
      VImage::option()->set("interpretation", colours.interpretation()));
  if (FormatHasAlpha(options.format)) return joined;
  const auto white = static_cast<double>(options.bits == 8 ? 255 : 65535);
  return joined.flatten(VImage::option()->set("background", std::vector<double>{white}));
}

std::uint64_t BytesOf(const VImage& answer) { return VIPS_IMAGE_SIZEOF_IMAGE(answer.get_image()); }

void Save(const VImage& answer, const vips::VTarget& target, const EncodeOptions& options) {
  // What is left of metadata is wanted. Only where there is to be nothing, libvips adds nothing.
  const bool strip = options.metadata == MetadataPolicy::kStrip &&
                     (options.parameters.empty() || options.format == ImageFormat::kPng);
  auto* common = VImage::option()->set("strip", strip);
  switch (options.format) {
    case ImageFormat::kPng:
      // Of libpng's filters `up` costs least and is nearly the smallest: `vips copy` of the three
      // photographs of docs/pictures, enlarged four times, takes 0.10, 0.16 and 0.12 s with it and
      // 0.13, 0.20 and 0.13 s with `sub`, whose files are 12 to 22 % larger; `paeth` saves 2 % more
      // bytes for as much time as `sub`.
      return answer.pngsave_target(
          target, common->set("compression", 1)->set("filter", VIPS_FOREIGN_PNG_FILTER_UP));
    case ImageFormat::kJpeg:
      return answer.jpegsave_target(target, common->set("Q", std::max(options.quality, 1)));
    case ImageFormat::kWebp:
      return answer.webpsave_target(
          target, common->set("Q", options.quality)->set("lossless", options.lossless));
    case ImageFormat::kTiff:
      return answer.tiffsave_target(
          target, common->set("compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE)
                      ->set("predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL)
                      ->set("bigtiff", BytesOf(answer) > kMostTiffBytes));
    case ImageFormat::kAvif:
      return answer.heifsave_target(
          target, common->set("compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1)
                      ->set("Q", std::max(options.quality, 1))
                      ->set("lossless", options.lossless)
                      ->set("subsample_mode", options.lossless ? VIPS_FOREIGN_SUBSAMPLE_OFF
                                                               : VIPS_FOREIGN_SUBSAMPLE_AUTO)
                      ->set("effort", kAvifEffort));
  }
}

absl::StatusOr<std::string> Write(const VImage& answer, const PictureTraits& traits,
                                  const EncodeOptions& options) {
  const bool png = options.format == ImageFormat::kPng;
  std::string inserted =
      png ? PngMetadata(answer.width(), answer.height(), traits, options) : std::string();
  MemoryTarget target(BytesOf(answer) + kOverheadBytes, kPngHeaderBytes, std::move(inserted));
  try {
    Save(WithMetadata(answer, traits, options), target.target(), options);
  } catch (const vips::VError&) {
    if (!target.out_of_memory()) throw;
    vips_error_clear();
    return OutOfMemory();
  }
  return std::move(target).Take();
}

absl::StatusOr<std::string> Encode(const VImage& rgb, int bits, Size size,
                                   const PictureTraits& traits, const EncodeOptions& options) {
  const AnswerColours colours(traits, options, bits);
  const VImage cropped = rgb.width() == size.width && rgb.height() == size.height
                             ? rgb
                             : rgb.extract_area(0, 0, size.width, size.height);
  const VImage answer = WithAlpha(colours.Apply(cropped), traits, options);
  if (colours.keeps_profile() || traits.profile.empty()) return Write(answer, traits, options);
  PictureTraits without_profile = traits;
  without_profile.profile.clear();
  return Write(answer, without_profile, options);
}

absl::Status Failure(Size size) {
  vips_error_clear();
  return absl::InternalError(
      fmt::format("cannot encode a picture of {}x{}", size.width, size.height));
}

}  // namespace

absl::StatusOr<std::string> EncodePicture(const Image& image, int width, int height,
                                          const PictureTraits& traits,
                                          const EncodeOptions& options) {
  assert(width <= image.width && height <= image.height);
  const Size size = {.width = width, .height = height};
  UPSCALER_RETURN_IF_ERROR(CheckAnswer(size, options));
  try {
    return WithinMemory([&] { return Encode(ViewOf(image), image.bits, size, traits, options); });
  } catch (const vips::VError&) {
    return Failure(size);
  }
}

absl::StatusOr<std::string> EncodePicture(PictureRows& rows, int width, int height,
                                          const PictureTraits& traits,
                                          const EncodeOptions& options) {
  assert(width <= rows.width() && height <= rows.height());
  const Size size = {.width = width, .height = height};
  UPSCALER_RETURN_IF_ERROR(CheckAnswer(size, options));
  try {
    const RowSource source(rows);
    try {
      return WithinMemory(
          [&] { return Encode(source.picture(), rows.bits(), size, traits, options); });
    } catch (const vips::VError&) {
      if (source.status().ok()) throw;
      vips_error_clear();
      return source.status();
    }
  } catch (const vips::VError&) {
    return Failure(size);
  }
}

std::vector<ImageFormat> WritableFormats() {
  constexpr std::array kFormats = {ImageFormat::kPng, ImageFormat::kJpeg, ImageFormat::kWebp,
                                   ImageFormat::kTiff, ImageFormat::kAvif};
  const Image dot{.width = 1, .height = 1, .pixels = {0, 0, 0}};
  std::vector<ImageFormat> writable;
  for (const ImageFormat format : kFormats) {
    if (EncodePicture(dot, 1, 1, {}, {.format = format}).ok()) writable.push_back(format);
  }
  return writable;
}

}  // namespace upscaler
