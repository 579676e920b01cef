#include "worker/models/vae/mid_block.h"

#include "worker/models/vae/resnet_block.h"

namespace upscaler {

VaeAttentionImpl::VaeAttentionImpl(const VaeConfig& config)
    : AttentionImpl(AttentionOptions{.width = config.level_channels.back(),
                                     .context_width = config.level_channels.back(),
                                     .heads = 1}),
      group_norm_(register_module("group_norm", VaeNorm(config, config.level_channels.back()))) {}

at::Tensor VaeAttentionImpl::forward(const at::Tensor& features, NormPass& norms) {
  const auto tokens = TokensOf(group_norm_(features, norms));  // [B, H * W, C]
  return FeaturesOf(AttentionImpl::forward(tokens, KeysValues(tokens)), features) + features;
}

VaeMidBlockImpl::VaeMidBlockImpl(const VaeConfig& config) {
  register_module("resnets", resnets_);
  register_module("attentions", attentions_);
  const std::int64_t channels = config.level_channels.back();
  resnets_->push_back(VaeResnetBlock(config, channels, channels));
  resnets_->push_back(VaeResnetBlock(config, channels, channels));
  if (config.mid_attention) attentions_->push_back(VaeAttention(config));
}

at::Tensor VaeMidBlockImpl::forward(const at::Tensor& features, NormPass& norms) {
  at::Tensor result = resnets_->at<VaeResnetBlockImpl>(0).forward(features, norms);
  if (!attentions_->is_empty())
    result = attentions_->at<VaeAttentionImpl>(0).forward(result, norms);
  return resnets_->at<VaeResnetBlockImpl>(1).forward(result, norms);
}

}  // namespace upscaler
