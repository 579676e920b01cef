// What follows a resnet block at the coarser levels: the features attend to one
// another (at the coarsest level only) and to the prompt.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/ada_group_norm.h"
#include "worker/models/nn/attention.h"
#include "worker/models/unet/conditioning_layout.h"
#include "worker/models/unet/cross_attention.h"
#include "worker/models/unet/unet_config.h"
#include "worker/models/unet/unet_plan.h"

namespace upscaler {

// Parameters: norm2.linear, attn2, and with self-attention norm1.linear, attn1.
class UnetAttentionBlockImpl : public torch::nn::Module {
 public:
  // Requires an `attention` other than kNone.
  UnetAttentionBlockImpl(const UnetConfig& config, std::int64_t channels, BlockAttention attention,
                         ConditioningLayout& layout);

  // features [B, C, H, W], modulation [B, M] and keys_values [B, N, K] of the
  // whole network -> [B, C, H, W]
  at::Tensor forward(const at::Tensor& features, const at::Tensor& modulation,
                     const at::Tensor& keys_values);

 private:
  AdaGroupNorm norm1_{nullptr};  // This and the next are null without self-attention.
  Attention attn1_{nullptr};
  AdaGroupNorm norm2_{nullptr};
  CrossAttention attn2_{nullptr};
  Columns norm1_columns_;
  Columns norm2_columns_;
  Columns keys_values_columns_;
};
TORCH_MODULE(UnetAttentionBlock);

}  // namespace upscaler
