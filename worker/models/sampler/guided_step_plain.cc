// The plain twin of the guided step. It is in a file of its own, without the operator's
// registration, because the library of CUDA kernels is compiled with it as well.

#include <cstdint>
#include <utility>

#include <c10/util/Exception.h>

#include "worker/models/sampler/euler.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler {

void CheckGuidedStep(const at::Tensor& latents, const at::Tensor& output) {
  constexpr std::int64_t kMostPasses = 2;
  TORCH_CHECK(
      latents.dim() == 4 && latents.size(0) == 1 && output.dim() == 4 && output.size(0) >= 1 &&
          output.size(0) <= kMostPasses && output.sizes().slice(1) == latents.sizes().slice(1),
      "a step found latents ", latents.sizes(), " and the network's output ", output.sizes());
}

GuidedStepResult PlainGuidedStep(const at::Tensor& latents, const at::Tensor& output,
                                 const StepScalars& scalars) {
  CheckGuidedStep(latents, output);
  at::Tensor denoised = Denoised(latents, output, scalars.sigma);
  if (output.size(0) == 2) denoised = Guide(denoised, scalars.guidance);
  at::Tensor next = EulerStep(latents, denoised, scalars.sigma, scalars.next_sigma);
  return {.denoised = std::move(denoised), .next = std::move(next)};
}

}  // namespace upscaler
