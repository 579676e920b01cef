#include "worker/imaging/metadata.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/exif.h"
#include "worker/imaging/iptc.h"
#include "worker/imaging/png_chunks.h"
#include "worker/imaging/xmp.h"

namespace upscaler {
namespace {

using vips::VImage;

// 72 pixels an inch, where a format cannot leave it open.
constexpr double kUnknownResolution = 72 / 25.4;

// What libvips says where a file says nothing.
constexpr double kUnset = 1;

// The keyword by which Stable Diffusion's programs know the text.
constexpr std::string_view kParameters = "parameters";

std::string_view BlobOf(const VImage& image, const char* name) {
  if (vips_image_get_typeof(image.get_image(), name) != VIPS_TYPE_BLOB) return {};
  std::size_t size = 0;
  const void* blob = image.get_blob(name, &size);
  return {static_cast<const char*>(blob), size};
}

std::string_view TextOf(const VImage& image, const char* name) {
  return image.get_typeof(name) == VIPS_TYPE_REF_STRING ? image.get_string(name) : "";
}

void SetBlob(VImage& image, const char* name, std::string_view blob) {
  if (!blob.empty()) vips_image_set_blob_copy(image.get_image(), name, blob.data(), blob.size());
}

bool KeepsTexts(const EncodeOptions& options) {
  return options.metadata == MetadataPolicy::kKeep || options.metadata == MetadataPolicy::kKeepAll;
}

bool KeepsLocation(const EncodeOptions& options) {
  return options.metadata == MetadataPolicy::kKeepAll;
}

// In pixels a millimetre; 0 where EXIF does not say. libvips takes it for some formats only.
double ExifResolution(const VImage& image, const char* name) {
  const auto number = [&](const char* field) {
    if (image.get_typeof(field) != VIPS_TYPE_REF_STRING) return 0.0;
    // "3000/10 (300, Rational, 1 components, 8 bytes)"
    const std::string text = image.get_string(field);
    const double numerator = g_ascii_strtod(text.c_str(), nullptr);
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return numerator;
    const double denominator = g_ascii_strtod(text.c_str() + slash + 1, nullptr);
    return denominator > 0 ? numerator / denominator : 0.0;
  };
  constexpr double kCentimetres = 3;  // Else inches.
  const bool metric = number("exif-ifd0-ResolutionUnit") == kCentimetres;
  return number(name) / (metric ? 10 : 25.4);
}

std::string ExifFor(int width, int height, const PictureTraits& traits,
                    const EncodeOptions& options) {
  const bool kept = KeepsTexts(options) && !traits.exif.empty();
  if (!kept && options.parameters.empty()) return "";
  const ExifEdit edit = {.width = width,
                         .height = height,
                         .keep_location = KeepsLocation(options),
                         .comment = options.parameters};
  std::string exif = kept ? EditExif(traits.exif, edit) : "";
  const bool fits = options.format != ImageFormat::kJpeg || exif.size() <= kMostJpegSegmentBytes;
  if (!exif.empty() && fits) return exif;
  // It was broken, or is too large: what is asked for matters more.
  return options.parameters.empty() ? "" : EditExif("", edit);
}

absl::Status CheckBytes(std::string_view what, std::size_t bytes, std::size_t limit) {
  if (bytes <= limit) return absl::OkStatus();
  return WithReason(InvalidField("image", fmt::format("the file's {} {} bytes; at most {} are "
                                                      "allowed",
                                                      what, bytes, limit)),
                    "METADATA_TOO_LARGE");
}

}  // namespace

absl::Status CheckMetadata(const VImage& header, const MetadataLimits& limits) {
  UPSCALER_RETURN_IF_ERROR(CheckBytes(
      "colour profile is", BlobOf(header, VIPS_META_ICC_NAME).size(), limits.max_profile_bytes));
  std::size_t bytes = TextOf(header, VIPS_META_IMAGEDESCRIPTION).size();
  for (const char* name : {VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME, VIPS_META_IPTC_NAME}) {
    bytes += BlobOf(header, name).size();
  }
  return CheckBytes("EXIF, XMP, IPTC and description are", bytes, limits.max_metadata_bytes);
}

void TakeMetadata(const VImage& header, PictureTraits& traits) {
  traits.exif = BlobOf(header, VIPS_META_EXIF_NAME);
  traits.xmp = BlobOf(header, VIPS_META_XMP_NAME);
  traits.iptc = BlobOf(header, VIPS_META_IPTC_NAME);
  traits.description = TextOf(header, VIPS_META_IMAGEDESCRIPTION);
  if (header.xres() != kUnset || header.yres() != kUnset) {
    traits.horizontal_resolution = header.xres();
    traits.vertical_resolution = header.yres();
  } else {
    traits.horizontal_resolution = ExifResolution(header, "exif-ifd0-XResolution");
    traits.vertical_resolution = ExifResolution(header, "exif-ifd0-YResolution");
  }
}

VImage WithMetadata(const VImage& answer, const PictureTraits& traits,
                    const EncodeOptions& options) {
  const bool has_resolution = options.metadata != MetadataPolicy::kStrip &&
                              traits.horizontal_resolution > 0 && traits.vertical_resolution > 0;
  VImage tagged = answer.copy();
  if (options.metadata != MetadataPolicy::kStrip) {
    SetBlob(tagged, VIPS_META_ICC_NAME, traits.profile);
  }
  if (options.format != ImageFormat::kPng) {
    SetBlob(tagged, VIPS_META_EXIF_NAME, ExifFor(answer.width(), answer.height(), traits, options));
    if (KeepsTexts(options)) {
      SetBlob(tagged, VIPS_META_XMP_NAME, EditXmp(traits.xmp, KeepsLocation(options)));
      SetBlob(tagged, VIPS_META_IPTC_NAME,
              options.format == ImageFormat::kJpeg ? IptcForJpeg(traits.iptc)
                                                   : IptcForTiff(traits.iptc));
    }
  }
  if (options.format == ImageFormat::kTiff) {
    const std::string& text = !options.parameters.empty() ? options.parameters
                              : KeepsTexts(options)       ? traits.description
                                                          : options.parameters;
    if (!text.empty()) tagged.set(VIPS_META_IMAGEDESCRIPTION, text.c_str());
  }
  // After EXIF, from which libvips takes a resolution too.
  return tagged.copy(
      VImage::option()
          ->set("xres", has_resolution ? traits.horizontal_resolution : kUnknownResolution)
          ->set("yres", has_resolution ? traits.vertical_resolution : kUnknownResolution));
}

std::string PngMetadata(int width, int height, const PictureTraits& traits,
                        const EncodeOptions& options) {
  std::string chunks;
  if (!options.parameters.empty()) chunks += PngText(kParameters, options.parameters);
  if (!KeepsTexts(options)) return chunks;
  // Its comment would say what `parameters` says already.
  EncodeOptions without_comment = options;
  without_comment.parameters.clear();
  const std::string exif = ExifFor(width, height, traits, without_comment);
  constexpr std::size_t kBeforeTiff = 6;  // "Exif\0\0", which PNG leaves out.
  if (!exif.empty()) chunks += PngChunk("eXIf", std::string_view(exif).substr(kBeforeTiff));
  const std::string xmp = EditXmp(traits.xmp, KeepsLocation(options));
  if (!xmp.empty()) chunks += PngXmp(xmp);
  chunks += KeepPngTexts(traits.png_text, [&](std::string_view keyword) {
    if (keyword == kParameters) return options.parameters.empty();
    // EXIF by other means, which may say where the picture was taken, and how it lay.
    return !keyword.starts_with("Raw profile type ") && !keyword.starts_with("exif:");
  });
  return chunks;
}

}  // namespace upscaler
