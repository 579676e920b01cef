// One layer of the text encoder: attention to the tokens before, then a
// feed-forward part, each added to what comes in.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "worker/models/clip/clip_text_config.h"
#include "worker/models/nn/layers.h"

namespace upscaler {

// Parameters: q_proj, k_proj, v_proj, out_proj, each a weight [D, D] and a bias.
class ClipSelfAttentionImpl : public torch::nn::Module {
 public:
  explicit ClipSelfAttentionImpl(const ClipTextConfig& config);

  // tokens [B, N, D] -> [B, N, D]
  at::Tensor forward(const at::Tensor& tokens);

 private:
  const std::int64_t heads_;
  Linear query_{nullptr};
  Linear key_{nullptr};
  Linear value_{nullptr};
  Linear out_{nullptr};
};
TORCH_MODULE(ClipSelfAttention);

// Parameters: fc1 [inner, D], fc2 [D, inner], each a weight and a bias.
class ClipFeedForwardImpl : public torch::nn::Module {
 public:
  explicit ClipFeedForwardImpl(const ClipTextConfig& config);

  // tokens [B, N, D] -> [B, N, D]
  at::Tensor forward(const at::Tensor& tokens);

 private:
  const ClipActivation activation_;
  Linear fc1_{nullptr};
  Linear fc2_{nullptr};
};
TORCH_MODULE(ClipFeedForward);

// Parameters: layer_norm1, self_attn, layer_norm2, mlp.
class ClipTextLayerImpl : public torch::nn::Module {
 public:
  explicit ClipTextLayerImpl(const ClipTextConfig& config);

  // tokens [B, N, D] -> [B, N, D]
  at::Tensor forward(const at::Tensor& tokens);

 private:
  torch::nn::LayerNorm layer_norm1_{nullptr};
  ClipSelfAttention self_attn_{nullptr};
  torch::nn::LayerNorm layer_norm2_{nullptr};
  ClipFeedForward mlp_{nullptr};
};
TORCH_MODULE(ClipTextLayer);

}  // namespace upscaler
