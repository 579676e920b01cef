// One level of the UNet, on the way down or on the way up: resnet blocks, each
// followed by an attention block where the level has attention.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "worker/models/unet/conditioning_layout.h"
#include "worker/models/unet/unet_config.h"
#include "worker/models/unet/unet_plan.h"

namespace upscaler {

// Parameters: resnets.<i>, and with attention attentions.<i>.
class UnetBlockImpl : public torch::nn::Module {
 public:
  UnetBlockImpl(const UnetConfig& config, const UnetBlockPlan& plan, ConditioningLayout& layout);

  // features [B, in, H, W], modulation [B, M] and keys_values [B, N, K] of the
  // whole network -> [B, out, H, W]
  at::Tensor forward(const at::Tensor& features, const at::Tensor& modulation,
                     const at::Tensor& keys_values);

 private:
  torch::nn::ModuleList resnets_;
  torch::nn::ModuleList attentions_;  // As many as resnets, or none.
};
TORCH_MODULE(UnetBlock);

}  // namespace upscaler
