// upscaler::guided_step on CUDA devices.

#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "worker/kernels/cuda/launch_tensors.h"
#include "worker/models/sampler/euler.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler {
namespace {

// tensor [P, C, H, W]
PlaneStrides StridesOf(const at::Tensor& tensor) {
  return {.pass = tensor.stride(0),
          .channel = tensor.stride(1),
          .y = tensor.stride(2),
          .x = tensor.stride(3)};
}

bool HasKernel(const at::Tensor& latents, const at::Tensor& output) {
  constexpr std::int64_t kMostSide = std::numeric_limits<std::int32_t>::max();
  return latents.is_cuda() && latents.device() == output.device() && HasNumberType(latents) &&
         latents.scalar_type() == output.scalar_type() && latents.numel() > 0 &&
         latents.numel() <= kMostSide * kGuidedStepThreads;
}

std::tuple<at::Tensor, at::Tensor> OnCuda(const at::Tensor& latents, const at::Tensor& output,
                                          double sigma, double next_sigma, double guidance) {
  const StepScalars scalars = {.sigma = static_cast<float>(sigma),
                               .next_sigma = static_cast<float>(next_sigma),
                               .guidance = guidance};
  CheckGuidedStep(latents, output);
  if (!HasKernel(latents, output)) {
    GuidedStepResult result = PlainGuidedStep(latents, output, scalars);
    return {std::move(result.denoised), std::move(result.next)};
  }
  const c10::cuda::CUDAGuard guard(latents.device());
  at::Tensor denoised = at::empty(latents.sizes(), latents.options());
  at::Tensor next = at::empty(latents.sizes(), latents.options());
  const Preconditioning of_level = PreconditioningOf(scalars.sigma);
  LaunchOrThrow(GuidedStepLaunch{.type = NumberTypeOf(latents),
                                 .sizes = {.of_latents = StridesOf(latents),
                                           .of_output = StridesOf(output),
                                           .guided = output.size(0) == 2,
                                           .channels = static_cast<int>(latents.size(1)),
                                           .height = static_cast<int>(latents.size(2)),
                                           .width = static_cast<int>(latents.size(3)),
                                           .keep = of_level.keep,
                                           .take = of_level.take,
                                           .guidance = static_cast<float>(guidance),
                                           .sigma = scalars.sigma,
                                           .next_sigma = scalars.next_sigma},
                                 .latents = latents.const_data_ptr(),
                                 .output = output.const_data_ptr(),
                                 .denoised = denoised.mutable_data_ptr(),
                                 .next = next.mutable_data_ptr()});
  return {std::move(denoised), std::move(next)};
}

}  // namespace
}  // namespace upscaler

TORCH_LIBRARY_IMPL(upscaler, CUDA, library) { library.impl("guided_step", &upscaler::OnCuda); }
