#include "server/service/validation.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

constexpr std::size_t kMaxPromptBytes = 10'000;
constexpr double kMaxGuidanceScale = 50;
constexpr std::uint32_t kMaxSteps = 200;
constexpr std::uint32_t kMaxImages = 10;
constexpr std::uint32_t kMaxQuality = 100;

absl::Status CheckText(const char* field, const std::string& text) {
  if (text.size() > kMaxPromptBytes) {
    return InvalidField(
        field, fmt::format("{} bytes given; at most {} are allowed", text.size(), kMaxPromptBytes));
  }
  if (text.find('\0') != std::string::npos) {
    return InvalidField(field, "a NUL character given; none is allowed");
  }
  return absl::OkStatus();
}

absl::Status CheckRange(const char* field, std::uint32_t given, std::uint32_t least,
                        std::uint32_t most) {
  if (given >= least && given <= most) return absl::OkStatus();
  return InvalidField(field, fmt::format("{} given; {} to {} is allowed", given, least, most));
}

// The format, or nothing if `format` is a number that this server does not know.
std::optional<ImageFormat> FromProto(v1::ImageFormat format) {
  switch (format) {
    case v1::IMAGE_FORMAT_UNSPECIFIED:
    case v1::IMAGE_FORMAT_PNG:
      return ImageFormat::kPng;
    case v1::IMAGE_FORMAT_JPEG:
      return ImageFormat::kJpeg;
    case v1::IMAGE_FORMAT_WEBP:
      return ImageFormat::kWebp;
    default:
      return std::nullopt;
  }
}

}  // namespace

absl::Status CheckSpec(const v1::UpscaleSpec& spec) {
  UPSCALER_RETURN_IF_ERROR(CheckText("prompt", spec.prompt()));
  UPSCALER_RETURN_IF_ERROR(CheckText("negative_prompt", spec.negative_prompt()));
  const double guidance = spec.guidance_scale();
  if (!std::isfinite(guidance) || guidance < 0 || guidance > kMaxGuidanceScale) {
    return InvalidField("guidance_scale",
                        fmt::format("{} given; 0 to {} is allowed", guidance, kMaxGuidanceScale));
  }
  if (spec.has_num_inference_steps()) {
    UPSCALER_RETURN_IF_ERROR(
        CheckRange("num_inference_steps", spec.num_inference_steps(), 1, kMaxSteps));
  }
  if (spec.has_image_count()) {
    UPSCALER_RETURN_IF_ERROR(CheckRange("image_count", spec.image_count(), 1, kMaxImages));
  }
  if (spec.has_quality()) {
    UPSCALER_RETURN_IF_ERROR(CheckRange("quality", spec.quality(), 0, kMaxQuality));
  }
  if (!FromProto(spec.output_format()).has_value()) {
    return InvalidField("output_format",
                        fmt::format("{} given; a value of upscaler.v1.ImageFormat is allowed",
                                    static_cast<int>(spec.output_format())));
  }
  return absl::OkStatus();
}

absl::StatusOr<UpscaleTask> MakeTask(const v1::UpscaleSpec& spec, std::string encoded_image,
                                     TimePoint deadline, std::uint32_t random_seed) {
  UPSCALER_RETURN_IF_ERROR(CheckSpec(spec));
  if (encoded_image.empty()) return InvalidField("image", "no bytes given; a picture is required");
  UpscaleTask task{.encoded_image = std::move(encoded_image),
                   .prompt = spec.prompt(),
                   .negative_prompt = spec.negative_prompt(),
                   .seed = spec.has_seed() ? spec.seed() : random_seed,
                   .output = {.format = *FromProto(spec.output_format())},
                   .deadline = deadline};
  if (spec.has_guidance_scale()) task.guidance_scale = spec.guidance_scale();
  if (spec.has_num_inference_steps()) task.steps = static_cast<int>(spec.num_inference_steps());
  if (spec.has_image_count()) task.image_count = static_cast<int>(spec.image_count());
  if (spec.has_quality()) task.output.quality = static_cast<int>(spec.quality());
  return task;
}

v1::UpscaleSpec EffectiveSpec(const UpscaleTask& task) {
  v1::UpscaleSpec spec;
  spec.set_prompt(task.prompt);
  spec.set_negative_prompt(task.negative_prompt);
  spec.set_guidance_scale(task.guidance_scale);
  spec.set_num_inference_steps(static_cast<std::uint32_t>(task.steps));
  spec.set_seed(task.seed);
  spec.set_image_count(static_cast<std::uint32_t>(task.image_count));
  spec.set_output_format(ToProto(task.output.format));
  spec.set_quality(static_cast<std::uint32_t>(task.output.quality));
  return spec;
}

v1::ImageFormat ToProto(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return v1::IMAGE_FORMAT_PNG;
    case ImageFormat::kJpeg:
      return v1::IMAGE_FORMAT_JPEG;
    case ImageFormat::kWebp:
      return v1::IMAGE_FORMAT_WEBP;
  }
  return v1::IMAGE_FORMAT_UNSPECIFIED;
}

}  // namespace upscaler
