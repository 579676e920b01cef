// Pictures from files' bytes and back.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/imaging/image.h"

namespace upscaler {

enum class ImageFormat { kPng, kJpeg, kWebp, kTiff, kAvif };

// What becomes of transparency: kDrop lays the picture over white.
enum class AlphaPolicy { kKeep, kDrop };

// What is kept of what a picture says about itself: EXIF, XMP, IPTC and the ICC profile, but no
// location (kKeep); with it (kKeepAll); the ICC profile alone (kColour); nothing, the pixels in
// sRGB (kStrip).
enum class MetadataPolicy { kKeep, kKeepAll, kColour, kStrip };

struct DecodeLimits {
  std::int64_t max_pixels = 1 << 21;  // Width times height of the picture.
};

struct EncodeOptions {
  ImageFormat format = ImageFormat::kPng;
  int quality = 90;       // 0 to 100; for JPEG, WebP and AVIF.
  bool lossless = false;  // For WebP and AVIF, whose quality does not count then.
  int bits = 8;           // Of a sample, 8 or 16; for PNG and TIFF.
  MetadataPolicy metadata = MetadataPolicy::kKeep;
  std::string parameters{};  // Embedded as text; "" for none.
};

// Decodes PNG, JPEG, WebP, TIFF or GIF (its first frame) to 8-bit sRGB: the ICC
// profile is applied, EXIF orientation too, grey and CMYK are converted, 16 bits
// are rounded to 8, and transparency is laid over white. The header is checked against
// `limits`, and `check` is asked about the sides of the upright picture, before memory is
// taken for pixels.
//
// kInvalidArgument naming the field "image" when the bytes are empty, of another
// format, damaged, or beyond the limits; the status of `check` when that is not OK.
// Blocks for as long as decoding takes. Thread-safe, once a VipsLibrary exists.
using SizeCheck = absl::FunctionRef<absl::Status(int width, int height)>;
absl::StatusOr<Image> DecodeImage(std::string_view encoded, const DecodeLimits& limits,
                                  SizeCheck check);
absl::StatusOr<Image> DecodeImage(std::string_view encoded, const DecodeLimits& limits);

// The longest side that a picture of `format` can have, in pixels.
int MaxSide(ImageFormat format);

// Whether `format` can hold a picture of this size: kInvalidArgument naming the
// field "output_format" otherwise.
absl::Status CheckSides(int width, int height, ImageFormat format);

// Encodes `image`, without metadata. kInvalidArgument naming "output_format" when
// a side is longer than MaxSide, kInternal when libvips fails. Thread-safe as
// DecodeImage is.
absl::StatusOr<std::string> EncodeImage(const Image& image, const EncodeOptions& options);

}  // namespace upscaler
