// The bottom of the autoencoder, where every position sees every other one.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/attention.h"
#include "worker/models/vae/norm.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

// Attention of a single head among all positions, added to what comes in.
//
// Parameters: group_norm, and those of Attention.
class VaeAttentionImpl : public AttentionImpl {
 public:
  explicit VaeAttentionImpl(const VaeConfig& config);

  // features [B, C, H, W] -> [B, C, H, W]
  at::Tensor forward(const at::Tensor& features, NormPass& norms);

 private:
  VaeNorm group_norm_{nullptr};
};
TORCH_MODULE(VaeAttention);

// Parameters: resnets.0, resnets.1, and unless the config goes without,
// attentions.0 between them.
class VaeMidBlockImpl : public torch::nn::Module {
 public:
  explicit VaeMidBlockImpl(const VaeConfig& config);

  // features [B, C, H, W] -> [B, C, H, W]
  at::Tensor forward(const at::Tensor& features, NormPass& norms);

 private:
  torch::nn::ModuleList resnets_;
  torch::nn::ModuleList attentions_;
};
TORCH_MODULE(VaeMidBlock);

}  // namespace upscaler
