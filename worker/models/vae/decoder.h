// From a latent up to pixels.

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

// Parameters: conv_in, mid_block, up_blocks.<i>, conv_norm_out, conv_out.
class VaeDecoderImpl : public torch::nn::Module {
 public:
  explicit VaeDecoderImpl(const VaeConfig& config);

  // latents [B, latent_channels, h, w] -> [B, 3, r * h, r * w], r being the
  // config's reduction()
  at::Tensor forward(const at::Tensor& latents, NormPass& norms);

 private:
  Conv2d conv_in_{nullptr};
  VaeMidBlock mid_block_{nullptr};
  torch::nn::ModuleList up_blocks_;
  VaeNorm conv_norm_out_{nullptr};
  Conv2d conv_out_{nullptr};
};
TORCH_MODULE(VaeDecoder);

}  // namespace upscaler
