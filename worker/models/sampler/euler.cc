#include "worker/models/sampler/euler.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>

namespace upscaler {
namespace {

// The variance of latents with noise of this level.
float Variance(float sigma) { return sigma * sigma + 1.0F; }

}  // namespace

float NoiseCondition(float sigma) {
  // LibTorch's logarithm, which at times differs from the standard library's in the
  // last place.
  return 0.25F * at::scalar_tensor(sigma, at::kFloat).log().item<float>();
}

at::Tensor ScaleInput(const at::Tensor& latents, float sigma) {
  return latents / std::sqrt(Variance(sigma));
}

Preconditioning PreconditioningOf(float sigma) {
  return {.keep = 1.0F / Variance(sigma), .take = sigma / std::sqrt(Variance(sigma))};
}

at::Tensor Denoised(const at::Tensor& latents, const at::Tensor& output, float sigma) {
  const Preconditioning of_level = PreconditioningOf(sigma);
  return latents * of_level.keep + output * of_level.take;
}

at::Tensor Guide(const at::Tensor& denoised, double scale) {
  const at::Tensor negative = denoised.narrow(0, 0, 1);
  const at::Tensor positive = denoised.narrow(0, 1, 1);
  return negative + (positive - negative) * scale;
}

at::Tensor EulerStep(const at::Tensor& latents, const at::Tensor& denoised, float sigma,
                     float next_sigma) {
  const at::Tensor from = latents.to(at::kFloat);
  const at::Tensor slope = (from - denoised) / sigma;
  return (from + slope * (next_sigma - sigma)).to(latents.scalar_type());
}

}  // namespace upscaler
