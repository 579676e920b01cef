// One level of the autoencoder, and the step to the next.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/vae/norm.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

enum class VaeResampling { kNone, kHalve, kDouble };

struct VaeStageOptions {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t layers = 0;
  VaeResampling then = VaeResampling::kNone;
};

// Parameters: resnets.<i>, and with resampling downsamplers.0.conv or
// upsamplers.0.conv.
class VaeStageImpl : public torch::nn::Module {
 public:
  VaeStageImpl(const VaeConfig& config, const VaeStageOptions& options);

  // features [B, in, H, W] -> [B, out, H', W'], of the same size, half of it or
  // twice
  at::Tensor forward(const at::Tensor& features, NormPass& norms);

 private:
  const VaeResampling then_;
  torch::nn::ModuleList resnets_;
  Conv2d resampling_conv_{nullptr};  // Null where the size stays.
};
TORCH_MODULE(VaeStage);

}  // namespace upscaler
