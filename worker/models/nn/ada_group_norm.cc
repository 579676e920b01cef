#include "worker/models/nn/ada_group_norm.h"

#include "worker/kernels/group_norm.h"

namespace upscaler {

AdaGroupNormImpl::AdaGroupNormImpl(const AdaGroupNormOptions& options)
    : options_(options),
      linear_(register_module("linear", Linear(LinearOptions{.in = options.embedding_dim,
                                                             .out = 2 * options.channels}))) {}

at::Tensor AdaGroupNormImpl::Modulation(const at::Tensor& embedding) { return linear_(embedding); }

at::Tensor AdaGroupNormImpl::forward(const at::Tensor& features, const at::Tensor& modulation,
                                     Activation activation) {
  const auto halves = modulation.chunk(2, /*dim=*/1);
  const at::Tensor& scale = halves[0];  // [B, C]
  const at::Tensor& shift = halves[1];  // [B, C]
  // The checkpoint stores the scale as its distance from one, so that a
  // projection of zero leaves the normalized features as they are.
  return GroupNormActivation(features, options_.groups, options_.eps, scale + 1, shift, activation);
}

}  // namespace upscaler
