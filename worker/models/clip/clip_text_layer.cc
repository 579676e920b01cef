#include "worker/models/clip/clip_text_layer.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/sigmoid.h>

#include "worker/models/nn/attention.h"

namespace upscaler {
namespace {

Linear Projection(std::int64_t in, std::int64_t out) {
  return Linear(LinearOptions{.in = in, .out = out});
}

torch::nn::LayerNorm LayerNormOf(const ClipTextConfig& config) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.width}).eps(config.eps));
}

}  // namespace

ClipSelfAttentionImpl::ClipSelfAttentionImpl(const ClipTextConfig& config)
    : heads_(config.heads),
      query_(register_module("q_proj", Projection(config.width, config.width))),
      key_(register_module("k_proj", Projection(config.width, config.width))),
      value_(register_module("v_proj", Projection(config.width, config.width))),
      out_(register_module("out_proj", Projection(config.width, config.width))) {}

at::Tensor ClipSelfAttentionImpl::forward(const at::Tensor& tokens) {
  // The mask is causal alone: padding comes after every token that matters, and
  // what attends to it later attends to it as the reference does.
  return out_(MultiHeadAttention(query_(tokens), key_(tokens), value_(tokens), heads_,
                                 AttentionMask::kCausal));
}

ClipFeedForwardImpl::ClipFeedForwardImpl(const ClipTextConfig& config)
    : activation_(config.activation),
      fc1_(register_module("fc1", Projection(config.width, config.inner_width))),
      fc2_(register_module("fc2", Projection(config.inner_width, config.width))) {}

at::Tensor ClipFeedForwardImpl::forward(const at::Tensor& tokens) {
  const at::Tensor inner = fc1_(tokens);  // [B, N, inner]
  return fc2_(activation_ == ClipActivation::kGelu ? at::gelu(inner)
                                                   : inner * at::sigmoid(1.702 * inner));
}

ClipTextLayerImpl::ClipTextLayerImpl(const ClipTextConfig& config)
    : layer_norm1_(register_module("layer_norm1", LayerNormOf(config))),
      self_attn_(register_module("self_attn", ClipSelfAttention(config))),
      layer_norm2_(register_module("layer_norm2", LayerNormOf(config))),
      mlp_(register_module("mlp", ClipFeedForward(config))) {}

at::Tensor ClipTextLayerImpl::forward(const at::Tensor& tokens) {
  const at::Tensor attended = tokens + self_attn_(layer_norm1_(tokens));
  return attended + mlp_(layer_norm2_(attended));
}

}  // namespace upscaler
