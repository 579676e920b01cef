#include "worker/imaging/codec.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <vips/vips8>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using vips::VImage;

constexpr int kSrgbBands = 3;

// EXIF's orientation of a picture that need not be turned.
constexpr int kUpright = 1;

struct FreeWithGlib {
  void operator()(void* memory) const { g_free(memory); }
};

absl::Status InvalidImage(std::string_view message) { return InvalidField("image", message); }

// The name of the format that the first bytes announce, if it is one we read.
// Our own, because libvips would try every loader it has, and say which in its
// error.
std::optional<std::string_view> SniffFormat(std::string_view encoded) {
  using namespace std::string_view_literals;  // For signatures that hold zeros.
  if (encoded.starts_with("\x89PNG\r\n\x1a\n"sv)) return "PNG";
  if (encoded.starts_with("\xff\xd8\xff"sv)) return "JPEG";
  const bool is_riff = encoded.size() >= 12 && encoded.starts_with("RIFF"sv);
  if (is_riff && encoded.substr(8, 4) == "WEBP"sv) return "WebP";
  if (encoded.starts_with("II*\0"sv) || encoded.starts_with("MM\0*"sv)) return "TIFF";
  if (encoded.starts_with("GIF87a"sv) || encoded.starts_with("GIF89a"sv)) return "GIF";
  return std::nullopt;
}

// Reads the header; pixels come later, row by row, when somebody asks for them.
VImage OpenEncoded(std::string_view encoded) {
  return VImage::new_from_buffer(
      encoded.data(), encoded.size(), /*option_string=*/"",
      VImage::option()->set("access", VIPS_ACCESS_SEQUENTIAL)->set("fail_on", VIPS_FAIL_ON_ERROR));
}

absl::Status CheckSize(const VImage& header, const DecodeLimits& limits, SizeCheck check) {
  const std::int64_t pixels = std::int64_t{header.width()} * header.height();
  if (pixels <= limits.max_pixels) {
    const bool lies = vips_image_get_orientation_swap(header.get_image()) != 0;
    return lies ? check(header.height(), header.width()) : check(header.width(), header.height());
  }
  return WithReason(
      InvalidImage(fmt::format("{}x{} is {} pixels; at most {} are allowed", header.width(),
                               header.height(), pixels, limits.max_pixels)),
      "TOO_MANY_PIXELS");
}

// The picture through its own ICC profile, or nothing where it has none that
// fits it. Like browsers, we then go by the picture's colour space alone.
std::optional<VImage> ApplyProfile(const VImage& image) {
  if (image.get_typeof(VIPS_META_ICC_NAME) == 0) return std::nullopt;
  try {
    return image.icc_transform("srgb", VImage::option()
                                           ->set("embedded", true)
                                           ->set("intent", VIPS_INTENT_RELATIVE)
                                           ->set("depth", 8));
  } catch (const vips::VError&) {
    vips_error_clear();
    return std::nullopt;
  }
}

// 16 bits a sample to 8, rounded to the nearest. libvips itself drops the lower
// byte, which darkens a picture by half a level.
VImage RoundTo8Bits(const VImage& image) {
  const bool grey = image.interpretation() == VIPS_INTERPRETATION_GREY16;
  return image.linear(1.0 / 257, 0.5, VImage::option()->set("uchar", true))
      .copy(VImage::option()->set("interpretation",
                                  grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB));
}

VImage ToSrgb(const VImage& image) {
  if (auto transformed = ApplyProfile(image)) return *transformed;
  const VipsInterpretation space = vips_image_guess_interpretation(image.get_image());
  // Most pictures are what is wanted already. An operation that changes nothing still costs
  // as much as decoding a small picture.
  if (space == VIPS_INTERPRETATION_sRGB && image.format() == VIPS_FORMAT_UCHAR) return image;
  const VImage known = image.copy(VImage::option()->set("interpretation", space));
  if (space == VIPS_INTERPRETATION_RGB16 || space == VIPS_INTERPRETATION_GREY16) {
    return RoundTo8Bits(known).colourspace(VIPS_INTERPRETATION_sRGB);
  }
  return known.colourspace(VIPS_INTERPRETATION_sRGB);
}

// Opaque 8-bit sRGB, upright. Pixels are decoded here or when they are asked for.
VImage Develop(const VImage& encoded) {
  VImage image = ToSrgb(encoded);
  if (image.has_alpha()) {
    image = image.flatten(VImage::option()->set("background", std::vector<double>{255, 255, 255}));
  }
  if (image.bands() != kSrgbBands) {  // TIFF knows further channels. Fewer is an error.
    image = image.extract_band(0, VImage::option()->set("n", kSrgbBands));
  }
  if (image.format() != VIPS_FORMAT_UCHAR) image = image.cast(VIPS_FORMAT_UCHAR);
  if (vips_image_get_orientation(image.get_image()) == kUpright) return image;
  // Turning reads columns, which a file that is read row by row cannot give.
  return image.copy_memory().autorot();
}

// How libvips is to write a format. It chooses the writer by the suffix.
struct Writer {
  const char* suffix;
  vips::VOption* options;  // Owned by the call that it is given to.
};

Writer WriterFor(const EncodeOptions& options) {
  auto* common = VImage::option()->set("strip", true);
  switch (options.format) {
    case ImageFormat::kPng:
      // Several times faster than libvips' defaults, and smaller for photographs.
      return {".png", common->set("compression", 1)->set("filter", VIPS_FOREIGN_PNG_FILTER_UP)};
    case ImageFormat::kJpeg:
      return {".jpg", common->set("Q", std::max(options.quality, 1))};
    case ImageFormat::kWebp:
      return {".webp", common->set("Q", options.quality)};
    case ImageFormat::kTiff:
      return {".tif", common};
    case ImageFormat::kAvif:
      return {".avif", common->set("Q", std::max(options.quality, 1))};
  }
  return {};
}

}  // namespace

int MaxSide(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return 10'000'000;  // libvips' own limit.
    case ImageFormat::kJpeg:
      return 65'500;  // libjpeg's, somewhat below the format's.
    case ImageFormat::kWebp:
      return 16'383;
    case ImageFormat::kTiff:
      return 10'000'000;
    case ImageFormat::kAvif:
      return 16'384;  // libheif's.
  }
  return 0;
}

absl::Status CheckSides(int width, int height, ImageFormat format) {
  if (std::max(width, height) <= MaxSide(format)) return absl::OkStatus();
  return InvalidField("output_format",
                      fmt::format("the result is {}x{}; a side in this format is at most {}", width,
                                  height, MaxSide(format)));
}

absl::StatusOr<Image> DecodeImage(std::string_view encoded, const DecodeLimits& limits) {
  return DecodeImage(encoded, limits, [](int, int) { return absl::OkStatus(); });
}

absl::StatusOr<Image> DecodeImage(std::string_view encoded, const DecodeLimits& limits,
                                  SizeCheck check) {
  if (encoded.empty()) return InvalidImage("is empty");
  const auto format = SniffFormat(encoded);
  if (!format.has_value()) {
    return InvalidImage("not a picture in a known format (PNG, JPEG, WebP, TIFF, GIF)");
  }
  try {
    const VImage header = OpenEncoded(encoded);
    UPSCALER_RETURN_IF_ERROR(CheckSize(header, limits, check));
    return ToImage(Develop(header));
  } catch (const vips::VError&) {
    // What libvips says has several lines and speaks of its own insides.
    vips_error_clear();
    return InvalidImage(fmt::format("the {} data is damaged or incomplete", *format));
  }
}

absl::StatusOr<std::string> EncodeImage(const Image& image, const EncodeOptions& options) {
  UPSCALER_RETURN_IF_ERROR(CheckSides(image.width, image.height, options.format));
  try {
    const VImage view = ViewOf(image);
    const Writer writer = WriterFor(options);
    void* buffer = nullptr;
    std::size_t size = 0;
    view.write_to_buffer(writer.suffix, &buffer, &size, writer.options);
    const std::unique_ptr<void, FreeWithGlib> memory(buffer);
    return std::string(static_cast<const char*>(buffer), size);
  } catch (const vips::VError&) {
    vips_error_clear();
    return absl::InternalError(
        fmt::format("cannot encode a picture of {}x{}", image.width, image.height));
  }
}

}  // namespace upscaler
