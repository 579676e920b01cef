#include "worker/models/unet/resnet_block.h"

namespace upscaler {
namespace {

AdaGroupNorm Norm(const UnetConfig& config, std::int64_t channels) {
  return AdaGroupNorm(AdaGroupNormOptions{.embedding_dim = config.time_embedding_width,
                                          .channels = channels,
                                          .groups = GroupsOf(channels),
                                          .eps = config.eps});
}

}  // namespace

UnetResnetBlockImpl::UnetResnetBlockImpl(const UnetConfig& config, const UnetLayerPlan& plan,
                                         ConditioningLayout& layout)
    : norm1_(register_module("norm1", Norm(config, plan.in))),
      conv1_(register_module("conv1", Conv3x3(plan.in, plan.middle))),
      norm2_(register_module("norm2", Norm(config, plan.middle))),
      conv2_(register_module("conv2", Conv3x3(plan.middle, plan.out))),
      norm1_columns_(layout.Add(norm1_)),
      norm2_columns_(layout.Add(norm2_)) {
  if (plan.in != plan.out) {
    conv_shortcut_ = register_module(
        "conv_shortcut",
        Conv2d(Conv2dOptions{.in = plan.in, .out = plan.out, .kernel = 1, .bias = false}));
  }
}

at::Tensor UnetResnetBlockImpl::forward(const at::Tensor& features, const at::Tensor& modulation) {
  at::Tensor result =
      norm1_(features, norm1_columns_.Of(modulation), Activation::kGelu);  // [B, in, H, W]
  result = conv1_(result);                                                 // [B, middle, H, W]
  result = norm2_(result, norm2_columns_.Of(modulation), Activation::kGelu);
  result = conv2_(result);  // [B, out, H, W]
  result += conv_shortcut_ ? conv_shortcut_(features) : features;
  return result;
}

}  // namespace upscaler
