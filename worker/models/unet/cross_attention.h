// A layer's questions to the prompt.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/attention.h"

namespace upscaler {

// An Attention whose context is normalized first, each layer by itself.
//
// Parameters: norm_cross.weight and .bias [Dc], and those of Attention.
class CrossAttentionImpl : public AttentionImpl {
 public:
  explicit CrossAttentionImpl(const AttentionOptions& options)
      : AttentionImpl(options),
        norm_cross_(register_module("norm_cross", torch::nn::LayerNorm(torch::nn::LayerNormOptions(
                                                      {options.context_width})))) {}

  // context [B, M, Dc] -> [B, M, 2 * D]: the keys and then the values.
  at::Tensor KeysValues(const at::Tensor& context) {
    return AttentionImpl::KeysValues(norm_cross_(context));
  }

 private:
  torch::nn::LayerNorm norm_cross_{nullptr};
};
TORCH_MODULE(CrossAttention);

}  // namespace upscaler
