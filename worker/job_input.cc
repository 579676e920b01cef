#include "worker/job_input.h"

#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "worker/imaging/alpha_policy.h"
#include "worker/imaging/image_format.h"
#include "worker/imaging/padding.h"
#include "worker/imaging/resize.h"

namespace upscaler {
namespace {

absl::StatusOr<JobInput> ReadPicture(const UpscaleTask& task, const RequestRules& rules,
                                     AcceptHeader accept) {
  const bool can_keep =
      task.output_type == OutputType::kImage && FormatHasAlpha(task.output.format);
  const AlphaPolicy alpha = can_keep ? task.alpha : AlphaPolicy::kDrop;
  JobInput input;
  PictureSize size;
  const auto check = [&](const PictureHeader& header) -> absl::Status {
    if (header.alpha && task.alpha == AlphaPolicy::kKeep && !can_keep) {
      input.warnings.push_back(fmt::format(
          "the picture was laid over white: {} has no transparency",
          task.output_type == OutputType::kImage ? NameOf(task.output.format) : "the model"));
    }
    UPSCALER_ASSIGN_OR_RETURN(size, accept(header));
    return absl::OkStatus();
  };
  UPSCALER_ASSIGN_OR_RETURN(DecodedPicture picture,
                            DecodePicture(task.input, rules.limits, alpha, check));
  UPSCALER_ASSIGN_OR_RETURN(const Image resized,
                            ResizeImage(std::move(picture.image), size.width, size.height));
  input.picture = std::make_shared<const Image>(PadByReflection(resized, rules.sides));
  input.traits = std::move(picture.traits);
  input.warnings.insert(input.warnings.end(), picture.warnings.begin(), picture.warnings.end());
  return input;
}

absl::StatusOr<JobInput> ReadLatents(const UpscaleTask& task, const RequestRules& rules,
                                     AcceptHeader accept) {
  const LatentsForm& form = *task.latents;
  UPSCALER_RETURN_IF_ERROR(CheckFamily(form.family, rules.latents));
  UPSCALER_RETURN_IF_ERROR(accept({.width = form.width * rules.latents.reduction,
                                   .height = form.height * rules.latents.reduction})
                               .status());
  UPSCALER_ASSIGN_OR_RETURN(const Latents latents, ParseLatents(task.input, form, rules.latents));
  JobInput input;
  input.latents = std::make_shared<const Latents>(PadByReflection(latents, rules.sides));
  return input;
}

}  // namespace

absl::StatusOr<JobInput> ReadJobInput(const UpscaleTask& task, const RequestRules& rules,
                                      AcceptHeader accept) {
  return task.latents.has_value() ? ReadLatents(task, rules, accept)
                                  : ReadPicture(task, rules, accept);
}

}  // namespace upscaler
