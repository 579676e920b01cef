// From pixels down to a latent's distribution.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/vae/mid_block.h"
#include "worker/models/vae/norm.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

// Parameters: conv_in, down_blocks.<i>, mid_block, conv_norm_out, conv_out.
class VaeEncoderImpl : public torch::nn::Module {
 public:
  explicit VaeEncoderImpl(const VaeConfig& config);

  // pixels [B, 3, H, W] in [-1, 1] -> [B, 2 * latent_channels, H / r, W / r], r
  // being the config's reduction()
  at::Tensor forward(const at::Tensor& pixels, NormPass& norms);

 private:
  Conv2d conv_in_{nullptr};
  torch::nn::ModuleList down_blocks_;
  VaeMidBlock mid_block_{nullptr};
  VaeNorm conv_norm_out_{nullptr};
  Conv2d conv_out_{nullptr};
};
TORCH_MODULE(VaeEncoder);

}  // namespace upscaler
