#include "worker/models/unet/unet_block.h"

#include <cstddef>

#include "worker/models/unet/attention_block.h"
#include "worker/models/unet/resnet_block.h"

namespace upscaler {

UnetBlockImpl::UnetBlockImpl(const UnetConfig& config, const UnetBlockPlan& plan,
                             ConditioningLayout& layout) {
  register_module("resnets", resnets_);
  register_module("attentions", attentions_);
  for (const UnetLayerPlan& layer : plan.layers) {
    resnets_->push_back(UnetResnetBlock(config, layer, layout));
    if (plan.attention != BlockAttention::kNone) {
      attentions_->push_back(UnetAttentionBlock(config, layer.out, plan.attention, layout));
    }
  }
}

at::Tensor UnetBlockImpl::forward(const at::Tensor& features, const at::Tensor& modulation,
                                  const at::Tensor& keys_values) {
  at::Tensor result = features;
  for (std::size_t i = 0; i < resnets_->size(); ++i) {
    result = resnets_->at<UnetResnetBlockImpl>(i).forward(result, modulation);
    if (!attentions_->is_empty()) {
      result = attentions_->at<UnetAttentionBlockImpl>(i).forward(result, modulation, keys_values);
    }
  }
  return result;
}

}  // namespace upscaler
