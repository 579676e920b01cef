// The denoiser: from a noisy latent, the noise level and the prompt to what the
// sampler needs for a step.
//
// Its work is split so that nothing is computed twice. What depends on the noise
// level and the pooled prompt is one call, what depends on the prompt's tokens is
// another, and the forward pass takes their results. Every one of them works row
// by row: a row's result does not depend on its neighbours, so rows at different
// noise levels and with different prompts can be batched by at::cat.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/unet/conditioning_layout.h"
#include "worker/models/unet/time_embedding.h"
#include "worker/models/unet/unet_config.h"

namespace upscaler {

// Parameters: conv_in, time_proj, time_embedding, down_blocks.<i>, up_blocks.<i>,
// conv_out.
//
// Letters in shapes: M is all modulation columns, K all key and value columns, of
// the network (see ConditioningLayout); N is the tokens of a prompt.
class UnetImpl : public torch::nn::Module {
 public:
  explicit UnetImpl(const UnetConfig& config);

  // c_noise [B] of float, a quarter of the logarithm of sigma; condition
  // [B, time_condition_width], which ends in the pooled prompt -> [B, M]
  at::Tensor Modulation(const at::Tensor& c_noise, const at::Tensor& condition);

  // context [B, N, context_width], the prompt's tokens -> [B, N, K]
  at::Tensor KeysValues(const at::Tensor& context);

  // sample [B, in_channels, H, W], H and W being multiples of the config's
  // size_multiple() and at least twice it; modulation [B, M], keys_values
  // [B, N, K] -> [B, out_channels, H, W]
  at::Tensor forward(const at::Tensor& sample, const at::Tensor& modulation,
                     const at::Tensor& keys_values);

 private:
  ConditioningLayout layout_;
  Conv2d conv_in_{nullptr};
  FourierFeatures time_proj_{nullptr};
  TimeEmbedding time_embedding_{nullptr};
  torch::nn::ModuleList down_blocks_;
  torch::nn::ModuleList up_blocks_;
  Conv2d conv_out_{nullptr};
};
TORCH_MODULE(Unet);

}  // namespace upscaler
