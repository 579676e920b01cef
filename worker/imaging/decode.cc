#include "worker/imaging/decode.h"

#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/develop.h"
#include "worker/imaging/file_signature.h"
#include "worker/imaging/gif_frames.h"
#include "worker/imaging/metadata.h"
#include "worker/imaging/png_chunks.h"
#include "worker/imaging/tiff_directories.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using vips::VImage;

absl::Status InvalidImage(std::string_view message) { return InvalidField("image", message); }

absl::StatusOr<std::string_view> CheckFormat(std::string_view encoded) {
  if (encoded.empty()) return InvalidImage("is empty");
  const auto signature = RecogniseFile(encoded);
  if (!signature.has_value()) {
    return InvalidImage(fmt::format("not a picture in a known format ({})", ReadableFormats()));
  }
  if (signature->readable) return signature->name;
  return WithReason(InvalidImage(fmt::format("is {}, which is not read here; {} are",
                                             signature->name, ReadableFormats())),
                    "UNSUPPORTED_IMAGE_FORMAT");
}

absl::Status CheckFrames(int frames, const DecodeLimits& limits) {
  if (frames <= limits.max_frames) return absl::OkStatus();
  return WithReason(InvalidImage(fmt::format("the file has more than {} frames, which is the most "
                                             "that is allowed",
                                             limits.max_frames)),
                    "TOO_MANY_FRAMES");
}

absl::Status CheckPixels(const VImage& header, const DecodeLimits& limits) {
  const std::int64_t pixels = std::int64_t{header.width()} * header.height();
  if (pixels <= limits.max_pixels) return absl::OkStatus();
  return WithReason(
      InvalidImage(fmt::format("{}x{} is {} pixels; at most {} are allowed", header.width(),
                               header.height(), pixels, limits.max_pixels)),
      "TOO_MANY_PIXELS");
}

// What can be known, and has to be, before libvips sees the file.
absl::StatusOr<PngFacts> LookInto(std::string_view encoded, std::string_view format,
                                  const DecodeLimits& limits) {
  if (format == "PNG") {
    return ReadPngChunks(encoded, {.max_profile_bytes = limits.max_profile_bytes,
                                   .max_text_bytes = limits.max_metadata_bytes});
  }
  PngFacts facts;
  if (format == "TIFF") facts.frames = CountTiffDirectories(encoded, limits.max_frames + 1);
  if (format == "GIF") facts.frames = CountGifFrames(encoded, limits.max_frames + 1);
  return facts;
}

// Reads the header; pixels come later, row by row, when somebody asks for them.
VImage OpenEncoded(std::string_view encoded) {
  return VImage::new_from_buffer(
      encoded.data(), encoded.size(), /*option_string=*/"",
      VImage::option()->set("access", VIPS_ACCESS_SEQUENTIAL)->set("fail_on", VIPS_FAIL_ON_ERROR));
}

int FramesOf(const VImage& header) {
  return header.get_typeof(VIPS_META_N_PAGES) == G_TYPE_INT ? header.get_int(VIPS_META_N_PAGES) : 1;
}

PictureHeader Describe(const VImage& header, const Development& plan) {
  const bool lies = vips_image_get_orientation_swap(header.get_image()) != 0;
  return {.width = lies ? header.height() : header.width(),
          .height = lies ? header.width() : header.height(),
          .bits = plan.image_bits(),
          .alpha = plan.alpha,
          .turned = plan.orientation != kUpright};
}

absl::StatusOr<DecodedPicture> Decode(std::string_view encoded, PngFacts facts,
                                      const DecodeLimits& limits, AlphaPolicy alpha,
                                      HeaderCheck check) {
  const VImage header = OpenEncoded(encoded);
  UPSCALER_RETURN_IF_ERROR(CheckPixels(header, limits));
  const int frames = std::max(facts.frames, FramesOf(header));
  UPSCALER_RETURN_IF_ERROR(CheckFrames(frames, limits));
  UPSCALER_RETURN_IF_ERROR(
      CheckMetadata(header, {.max_profile_bytes = limits.max_profile_bytes,
                             .max_metadata_bytes = limits.max_metadata_bytes}));
  Development plan = PlanDevelopment(header);
  UPSCALER_RETURN_IF_ERROR(check(Describe(header, plan)));
  // Before pixels are read: libvips' reader of HEIF lets go of what it said about them then.
  auto traits = std::make_shared<PictureTraits>();
  TakeMetadata(header, *traits);

  DevelopedPicture developed = Develop(plan, alpha);
  traits->bits = plan.sample_bits();
  traits->grey = plan.channels == 1;
  traits->alpha = std::move(developed.alpha);
  traits->profile = std::move(plan.profile);
  traits->profile_is_srgb = plan.profile_is_srgb;
  traits->png_text = std::move(facts.text);
  DecodedPicture picture{.image = std::move(developed.image),
                         .traits = std::move(traits),
                         .warnings = std::move(plan.warnings)};
  if (frames > 1) {
    picture.warnings.push_back(
        fmt::format("the file has {} frames; the first one alone is taken", frames));
  }
  return picture;
}

}  // namespace

absl::StatusOr<DecodedPicture> DecodePicture(std::string_view encoded, const DecodeLimits& limits,
                                             AlphaPolicy alpha) {
  return DecodePicture(encoded, limits, alpha,
                       [](const PictureHeader&) { return absl::OkStatus(); });
}

absl::StatusOr<DecodedPicture> DecodePicture(std::string_view encoded, const DecodeLimits& limits,
                                             AlphaPolicy alpha, HeaderCheck check) {
  UPSCALER_ASSIGN_OR_RETURN(const std::string_view format, CheckFormat(encoded));
  UPSCALER_ASSIGN_OR_RETURN(PngFacts facts, LookInto(encoded, format, limits));
  UPSCALER_RETURN_IF_ERROR(CheckFrames(facts.frames, limits));
  try {
    return Decode(encoded, std::move(facts), limits, alpha, check);
  } catch (const vips::VError&) {
    // What libvips says has several lines and speaks of its own insides.
    vips_error_clear();
    return InvalidImage(fmt::format("the {} data is damaged or incomplete", format));
  }
}

}  // namespace upscaler
