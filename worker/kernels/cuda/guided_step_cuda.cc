// upscaler::guided_step on CUDA devices.

#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "worker/kernels/cuda/guided_step_sizes.h"
#include "worker/kernels/cuda/launch_tensors.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler {
namespace {

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
  LaunchOrThrow(GuidedStepLaunch{.type = NumberTypeOf(latents),
                                 .sizes = SizesOf(latents, output, scalars),
                                 .latents = latents.const_data_ptr(),
                                 .output = output.const_data_ptr(),
                                 .denoised = denoised.mutable_data_ptr(),
                                 .next = next.mutable_data_ptr()});
  return {std::move(denoised), std::move(next)};
}

}  // namespace
}  // namespace upscaler

TORCH_LIBRARY_IMPL(upscaler, CUDA, library) { library.impl("guided_step", &upscaler::OnCuda); }
