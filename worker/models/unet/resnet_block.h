// Two convolutions, each after a normalization that knows the noise level.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/ada_group_norm.h"
#include "worker/models/nn/layers.h"
#include "worker/models/unet/conditioning_layout.h"
#include "worker/models/unet/unet_config.h"
#include "worker/models/unet/unet_plan.h"

namespace upscaler {

// Parameters: norm1.linear, conv1, norm2.linear, conv2, and where the channels
// change conv_shortcut.weight (it has no bias).
class UnetResnetBlockImpl : public torch::nn::Module {
 public:
  UnetResnetBlockImpl(const UnetConfig& config, const UnetLayerPlan& plan,
                      ConditioningLayout& layout);

  // features [B, in, H, W], modulation [B, M] of the whole network
  // -> [B, out, H, W]
  at::Tensor forward(const at::Tensor& features, const at::Tensor& modulation);

 private:
  AdaGroupNorm norm1_{nullptr};
  Conv2d conv1_{nullptr};
  AdaGroupNorm norm2_{nullptr};
  Conv2d conv2_{nullptr};
  Conv2d conv_shortcut_{nullptr};  // Null where in == out.
  Columns norm1_columns_;
  Columns norm2_columns_;
};
TORCH_MODULE(UnetResnetBlock);

}  // namespace upscaler
