#include "worker/models/nn/ada_group_norm.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/group_norm.h>

namespace upscaler {

AdaGroupNormImpl::AdaGroupNormImpl(const AdaGroupNormOptions& options)
    : options_(options),
      linear_(register_module("linear", Linear(LinearOptions{.in = options.embedding_dim,
                                                             .out = 2 * options.channels}))) {}

at::Tensor AdaGroupNormImpl::Modulation(const at::Tensor& embedding) { return linear_(embedding); }

at::Tensor AdaGroupNormImpl::forward(const at::Tensor& features, const at::Tensor& modulation) {
  const auto halves = modulation.unsqueeze(-1).unsqueeze(-1).chunk(2, /*dim=*/1);
  const at::Tensor& scale = halves[0];  // [B, C, 1, 1]
  const at::Tensor& shift = halves[1];  // [B, C, 1, 1]

  at::Tensor normalized = at::group_norm(features, options_.groups, /*weight=*/{},
                                         /*bias=*/{}, options_.eps);  // [B, C, H, W]

  // The checkpoint stores the scale as its distance from one, so that a
  // projection of zero leaves the normalized features as they are.
  return at::addcmul_out(normalized, shift, normalized, scale + 1);
}

}  // namespace upscaler
