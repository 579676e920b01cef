// What the sampler's step is told of its tensors.

#pragma once

#include <ATen/core/Tensor.h>

#include "worker/kernels/cuda/guided_step_body.h"
#include "worker/models/sampler/euler.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler {

// tensor [P, C, H, W]
inline PlaneStrides StridesOf(const at::Tensor& tensor) {
  return {.pass = tensor.stride(0),
          .channel = tensor.stride(1),
          .y = tensor.stride(2),
          .x = tensor.stride(3)};
}

// Of tensors that CheckGuidedStep lets through.
inline GuidedStepSizes SizesOf(const at::Tensor& latents, const at::Tensor& output,
                               const StepScalars& scalars) {
  const Preconditioning of_level = PreconditioningOf(scalars.sigma);
  return {.of_latents = StridesOf(latents),
          .of_output = StridesOf(output),
          .guided = output.size(0) == 2,
          .channels = static_cast<int>(latents.size(1)),
          .height = static_cast<int>(latents.size(2)),
          .width = static_cast<int>(latents.size(3)),
          .keep = of_level.keep,
          .take = of_level.take,
          .guidance = static_cast<float>(scalars.guidance),
          .sigma = scalars.sigma,
          .next_sigma = scalars.next_sigma};
}

}  // namespace upscaler
