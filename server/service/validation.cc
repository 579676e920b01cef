#include "server/service/validation.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/spec_enums.h"

namespace upscaler {
namespace {

// Of a side of latents; what the model really takes is far less, and known to the worker.
constexpr std::uint32_t kMaxLatentsSide = 1 << 14;

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

absl::Status CheckSize(const v1::ImageSize& size) {
  UPSCALER_RETURN_IF_ERROR(CheckRange("resize_to.width", size.width(), 1, kMaxResizedSide));
  return CheckRange("resize_to.height", size.height(), 1, kMaxResizedSide);
}

// `given` is of an enum of the contract, `type` its name.
template <typename Enum>
absl::Status CheckEnum(const char* field, Enum given, const char* type) {
  if (FromProto(given).has_value()) return absl::OkStatus();
  return InvalidField(field, fmt::format("{} given; a value of upscaler.v1.{} is allowed",
                                         static_cast<int>(given), type));
}

absl::Status CheckScale(std::uint32_t scale) {
  if (std::ranges::find(kScales, scale) != std::end(kScales)) return absl::OkStatus();
  return InvalidField("scale",
                      fmt::format("{} given; {} is allowed", scale, fmt::join(kScales, " or ")));
}

absl::Status CheckTileSize(std::uint32_t size) {
  if (size == 0 || (size >= kMinTileSize && size <= kMaxTileSize)) return absl::OkStatus();
  return InvalidField("tile_size", fmt::format("{} given; {} to {}, or 0, is allowed", size,
                                               kMinTileSize, kMaxTileSize));
}

// `format` is that of the answer.
absl::Status CheckBitDepth(std::uint32_t bits, ImageFormat format) {
  if (bits == 8) return absl::OkStatus();
  if (bits != 16) {
    return InvalidField("bit_depth", fmt::format("{} given; 8 or 16 is allowed", bits));
  }
  if (format == ImageFormat::kPng || format == ImageFormat::kTiff) return absl::OkStatus();
  return InvalidField("bit_depth", "16 given; 8 is allowed unless output_format is PNG or TIFF");
}

// Of how answers are encoded.
absl::Status CheckOutput(const v1::UpscaleSpec& spec) {
  if (spec.has_quality()) {
    UPSCALER_RETURN_IF_ERROR(CheckRange("quality", spec.quality(), 0, kMaxQuality));
  }
  UPSCALER_RETURN_IF_ERROR(CheckEnum("output_format", spec.output_format(), "ImageFormat"));
  UPSCALER_RETURN_IF_ERROR(CheckEnum("output_type", spec.output_type(), "OutputType"));
  UPSCALER_RETURN_IF_ERROR(CheckEnum("alpha", spec.alpha(), "AlphaMode"));
  UPSCALER_RETURN_IF_ERROR(CheckEnum("metadata", spec.metadata(), "MetadataMode"));
  if (!spec.has_bit_depth()) return absl::OkStatus();
  return CheckBitDepth(spec.bit_depth(), *FromProto(spec.output_format()));
}

// Of pictures. `spec` has been checked.
EncodeOptions ReadOutput(const v1::UpscaleSpec& spec) {
  EncodeOptions output{.format = *FromProto(spec.output_format()),
                       .lossless = spec.lossless(),
                       .metadata = *FromProto(spec.metadata())};
  if (spec.has_quality()) output.quality = static_cast<int>(spec.quality());
  if (spec.has_bit_depth()) output.bits = static_cast<int>(spec.bit_depth());
  return output;
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
  if (spec.has_preview_count()) {
    UPSCALER_RETURN_IF_ERROR(CheckRange("preview_count", spec.preview_count(), 0, kMaxPreviews));
  }
  if (spec.has_resize_to()) UPSCALER_RETURN_IF_ERROR(CheckSize(spec.resize_to()));
  if (spec.has_scale()) UPSCALER_RETURN_IF_ERROR(CheckScale(spec.scale()));
  UPSCALER_RETURN_IF_ERROR(CheckTileSize(spec.tile_size()));
  return CheckOutput(spec);
}

absl::StatusOr<LatentsForm> ReadForm(const v1::LatentsInfo& latents) {
  LatentsForm form;
  switch (latents.data_type()) {
    case v1::TENSOR_DATA_TYPE_FLOAT16:
      form.type = TensorType::kFloat16;
      break;
    case v1::TENSOR_DATA_TYPE_FLOAT32:
      form.type = TensorType::kFloat32;
      break;
    default:
      return InvalidField("latents.data_type",
                          fmt::format("{} given; float16 or float32 has to be said",
                                      v1::TensorDataType_Name(latents.data_type())));
  }
  switch (latents.family()) {
    case v1::LATENTS_FAMILY_STABLE_DIFFUSION_1:
    case v1::LATENTS_FAMILY_STABLE_DIFFUSION_2:
      form.family = LatentsFamily::kStableDiffusion;
      break;
    case v1::LATENTS_FAMILY_SERVED_MODEL:
      form.family = LatentsFamily::kServedModel;
      break;
    default:
      return InvalidField("latents.family",
                          fmt::format("{} given; the model that made the latents has to be said, "
                                      "for those of others look alike and give nonsense",
                                      v1::LatentsFamily_Name(latents.family())));
  }
  UPSCALER_RETURN_IF_ERROR(CheckRange("latents.height", latents.height(), 1, kMaxLatentsSide));
  UPSCALER_RETURN_IF_ERROR(CheckRange("latents.width", latents.width(), 1, kMaxLatentsSide));
  form.height = static_cast<int>(latents.height());
  form.width = static_cast<int>(latents.width());
  return form;
}

absl::StatusOr<UpscaleTask> MakeTask(const v1::UpscaleSpec& spec, TaskInput input,
                                     TimePoint deadline, std::uint32_t random_seed) {
  UPSCALER_RETURN_IF_ERROR(CheckSpec(spec));
  UpscaleTask task{.input = std::move(input.bytes),
                   .tile_size = static_cast<int>(spec.tile_size()),
                   .alpha = *FromProto(spec.alpha()),
                   .prompt = spec.prompt(),
                   .negative_prompt = spec.negative_prompt(),
                   .seed = spec.has_seed() ? spec.seed() : random_seed,
                   .preview_count = static_cast<int>(spec.preview_count()),
                   .output_type = *FromProto(spec.output_type()),
                   .output = ReadOutput(spec),
                   .deadline = deadline};
  if (input.latents.has_value()) {
    UPSCALER_ASSIGN_OR_RETURN(task.latents, ReadForm(*input.latents));
    if (spec.has_resize_to()) {
      return InvalidField("resize_to", "given with latents; only pictures are resized");
    }
  }
  if (task.input.empty()) {
    return InvalidField(task.latents.has_value() ? "latents.data" : "image",
                        "no bytes given; a picture or latents are required");
  }
  if (spec.has_guidance_scale()) task.guidance_scale = spec.guidance_scale();
  if (spec.has_num_inference_steps()) task.steps = static_cast<int>(spec.num_inference_steps());
  if (spec.has_image_count()) task.image_count = static_cast<int>(spec.image_count());
  if (spec.has_resize_to()) {
    task.resize_to = PictureSize{.width = static_cast<int>(spec.resize_to().width()),
                                 .height = static_cast<int>(spec.resize_to().height())};
  }
  if (spec.has_scale()) task.scale = static_cast<int>(spec.scale());
  if (spec.has_embed_parameters()) task.embed_parameters = spec.embed_parameters();
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
  spec.set_output_type(ToProto(task.output_type));
  spec.set_preview_count(static_cast<std::uint32_t>(task.preview_count));
  if (task.resize_to.has_value()) {
    spec.mutable_resize_to()->set_width(static_cast<std::uint32_t>(task.resize_to->width));
    spec.mutable_resize_to()->set_height(static_cast<std::uint32_t>(task.resize_to->height));
  }
  spec.set_scale(static_cast<std::uint32_t>(task.scale));
  spec.set_tile_size(static_cast<std::uint32_t>(task.tile_size));
  spec.set_alpha(ToProto(task.alpha));
  spec.set_metadata(ToProto(task.output.metadata));
  spec.set_bit_depth(static_cast<std::uint32_t>(task.output.bits));
  spec.set_lossless(task.output.lossless);
  spec.set_embed_parameters(task.embed_parameters);
  return spec;
}

}  // namespace upscaler
