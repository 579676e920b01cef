#include "worker/models/sampler/guided_step.h"

#include <tuple>
#include <utility>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace upscaler {
namespace {

// As the dispatcher knows it: it has neither floats nor structs.
using Operator = std::tuple<at::Tensor, at::Tensor>(const at::Tensor&, const at::Tensor&, double,
                                                    double, double);

std::tuple<at::Tensor, at::Tensor> OnAnyDevice(const at::Tensor& latents, const at::Tensor& output,
                                               double sigma, double next_sigma, double guidance) {
  GuidedStepResult result = PlainGuidedStep(latents, output,
                                            {.sigma = static_cast<float>(sigma),
                                             .next_sigma = static_cast<float>(next_sigma),
                                             .guidance = guidance});
  return {std::move(result.denoised), std::move(result.next)};
}

}  // namespace

GuidedStepResult GuidedStep(const at::Tensor& latents, const at::Tensor& output,
                            const StepScalars& scalars) {
  static const auto kOperator =
      c10::Dispatcher::singleton().findSchemaOrThrow("upscaler::guided_step", "").typed<Operator>();
  auto [denoised, next] =
      kOperator.call(latents, output, scalars.sigma, scalars.next_sigma, scalars.guidance);
  return {.denoised = std::move(denoised), .next = std::move(next)};
}

}  // namespace upscaler

TORCH_LIBRARY_FRAGMENT(upscaler, library) {
  library.def(
      "guided_step(Tensor latents, Tensor output, float sigma, float next_sigma, float guidance) "
      "-> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(upscaler, CompositeExplicitAutograd, library) {
  library.impl("guided_step", &upscaler::OnAnyDevice);
}
