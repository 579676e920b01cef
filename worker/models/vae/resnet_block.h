// Two convolutions, each after a group normalization: what the autoencoder is
// made of.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/vae/norm.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

// Parameters: norm1, conv1, norm2, conv2, and where the channels change
// conv_shortcut, each a weight and a bias.
class VaeResnetBlockImpl : public torch::nn::Module {
 public:
  VaeResnetBlockImpl(const VaeConfig& config, std::int64_t in, std::int64_t out);

  // features [B, in, H, W] -> [B, out, H, W]
  at::Tensor forward(const at::Tensor& features, NormPass& norms);

 private:
  VaeNorm norm1_{nullptr};
  Conv2d conv1_{nullptr};
  VaeNorm norm2_{nullptr};
  Conv2d conv2_{nullptr};
  Conv2d conv_shortcut_{nullptr};  // Null where in == out.
};
TORCH_MODULE(VaeResnetBlock);

}  // namespace upscaler
