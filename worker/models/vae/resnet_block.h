// Two convolutions, each after a group normalization: what the autoencoder is
// made of.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

// A group normalization as the autoencoder has them everywhere. Parameters: weight
// [C], bias [C].
torch::nn::GroupNorm VaeNorm(const VaeConfig& config, std::int64_t channels);

// Parameters: norm1, conv1, norm2, conv2, and where the channels change
// conv_shortcut, each a weight and a bias.
class VaeResnetBlockImpl : public torch::nn::Module {
 public:
  VaeResnetBlockImpl(const VaeConfig& config, std::int64_t in, std::int64_t out);

  // features [B, in, H, W] -> [B, out, H, W]
  at::Tensor forward(const at::Tensor& features);

 private:
  torch::nn::GroupNorm norm1_{nullptr};
  Conv2d conv1_{nullptr};
  torch::nn::GroupNorm norm2_{nullptr};
  Conv2d conv2_{nullptr};
  Conv2d conv_shortcut_{nullptr};  // Null where in == out.
};
TORCH_MODULE(VaeResnetBlock);

}  // namespace upscaler
