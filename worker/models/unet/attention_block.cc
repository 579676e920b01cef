#include "worker/models/unet/attention_block.h"

namespace upscaler {
namespace {

// Unlike in the resnet blocks, epsilon is not taken from the configuration here:
// the reference's attention blocks always have this one.
AdaGroupNorm Norm(const UnetConfig& config, std::int64_t channels) {
  return AdaGroupNorm(AdaGroupNormOptions{.embedding_dim = config.time_embedding_width,
                                          .channels = channels,
                                          .groups = GroupsOf(channels),
                                          .eps = 1e-5});
}

}  // namespace

UnetAttentionBlockImpl::UnetAttentionBlockImpl(const UnetConfig& config, std::int64_t channels,
                                               BlockAttention attention,
                                               ConditioningLayout& layout) {
  const std::int64_t heads = channels / config.attention_head_width;
  if (attention == BlockAttention::kSelfAndCross) {
    norm1_ = register_module("norm1", Norm(config, channels));
    attn1_ = register_module(
        "attn1",
        Attention(AttentionOptions{.width = channels, .context_width = channels, .heads = heads}));
    norm1_columns_ = layout.Add(norm1_);
  }
  norm2_ = register_module("norm2", Norm(config, channels));
  attn2_ = register_module(
      "attn2", CrossAttention(AttentionOptions{
                   .width = channels, .context_width = config.context_width, .heads = heads}));
  norm2_columns_ = layout.Add(norm2_);
  keys_values_columns_ = layout.Add(attn2_);
}

at::Tensor UnetAttentionBlockImpl::forward(const at::Tensor& features, const at::Tensor& modulation,
                                           const at::Tensor& keys_values) {
  at::Tensor result = features;
  if (attn1_) {
    const auto tokens = TokensOf(norm1_(result, norm1_columns_.Of(modulation)));  // [B, H * W, C]
    result = result + FeaturesOf(attn1_(tokens, attn1_->KeysValues(tokens)), result);
  }
  const auto tokens = TokensOf(norm2_(result, norm2_columns_.Of(modulation)));  // [B, H * W, C]
  return result + FeaturesOf(attn2_(tokens, keys_values_columns_.Of(keys_values)), result);
}

}  // namespace upscaler
