#include "worker/imaging/image_format.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {

std::string_view NameOf(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kTiff:
      return "TIFF";
    case ImageFormat::kAvif:
      return "AVIF";
  }
  return "";
}

int MaxSide(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
    case ImageFormat::kTiff:
      return 10'000'000;  // libvips' own limit.
    case ImageFormat::kJpeg:
      return 65'500;  // libjpeg's, somewhat below the format's.
    case ImageFormat::kWebp:
      return 16'383;
    case ImageFormat::kAvif:
      return 16'384;  // Of AVIF's profiles; decoders refuse more.
  }
  return 0;
}

bool FormatHasAlpha(ImageFormat format) { return format != ImageFormat::kJpeg; }

bool FormatHasGrey(ImageFormat format) {
  return format != ImageFormat::kWebp && format != ImageFormat::kAvif;
}

bool FormatHas16Bits(ImageFormat format) {
  return format == ImageFormat::kPng || format == ImageFormat::kTiff;
}

absl::Status CheckSides(int width, int height, ImageFormat format) {
  if (std::max(width, height) <= MaxSide(format)) return absl::OkStatus();
  return InvalidField("output_format",
                      fmt::format("the result is {}x{}; a side in this format is at most {}", width,
                                  height, MaxSide(format)));
}

absl::Status CheckBits(int bits, ImageFormat format) {
  if (bits == 8 || (bits == 16 && FormatHas16Bits(format))) return absl::OkStatus();
  return InvalidField("bit_depth", fmt::format("{} given; {} has {}", bits, NameOf(format),
                                               FormatHas16Bits(format) ? "8 or 16" : "8 alone"));
}

}  // namespace upscaler
