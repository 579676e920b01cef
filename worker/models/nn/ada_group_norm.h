// Group normalization whose scale and shift come from an embedding.
//
// This is how the UNet learns the noise level: where a plain GroupNorm has one
// learned scale and shift per channel, this one computes them, for every image
// of the batch, from the time embedding. The two halves of the work are separate
// methods, because the scale and shift do not depend on the picture: they can be
// computed before it, and once for many.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "worker/kernels/machine_loops.h"
#include "worker/models/nn/layers.h"

namespace upscaler {

struct AdaGroupNormOptions {
  std::int64_t embedding_dim = 0;
  std::int64_t channels = 0;
  std::int64_t groups = 1;  // Divides `channels`.
  double eps = 1e-5;
};

// Parameters, by their names in the checkpoint:
//   linear.weight  [2 * C, E]
//   linear.bias    [2 * C]
class AdaGroupNormImpl : public torch::nn::Module {
 public:
  explicit AdaGroupNormImpl(const AdaGroupNormOptions& options);

  // embedding [B, E] -> [B, 2 * C]: each channel's scale, as its distance from
  // one, and then each channel's shift.
  at::Tensor Modulation(const at::Tensor& embedding);

  // features [B, C, H, W], modulation [B, 2 * C] -> [B, C, H, W], with the activation applied
  at::Tensor forward(const at::Tensor& features, const at::Tensor& modulation,
                     Activation activation = Activation::kNone);

  std::int64_t channels() const { return options_.channels; }

 private:
  const AdaGroupNormOptions options_;
  Linear linear_{nullptr};
};
TORCH_MODULE(AdaGroupNorm);

}  // namespace upscaler
