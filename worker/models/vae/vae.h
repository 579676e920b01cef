// The autoencoder: what turns a picture into a latent, and a latent into a picture.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/vae/decoder.h"
#include "worker/models/vae/encoder.h"
#include "worker/models/vae/norm.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

// Parameters: encoder, decoder, and where the config has them quant_conv and
// post_quant_conv.
//
// In shapes, C is the config's latent_channels and r its reduction().
class VaeImpl : public torch::nn::Module {
 public:
  explicit VaeImpl(const VaeConfig& config);

  // pixels [B, 3, H, W] in [-1, 1], H and W being multiples of r -> moments
  // [B, 2 * C, H / r, W / r]: the means of the latents, then the logarithms of
  // their variances. Not scaled. Without `norms`, as the network was trained.
  at::Tensor Encode(const at::Tensor& pixels, NormPass& norms);
  at::Tensor Encode(const at::Tensor& pixels);

  // latents [B, C, h, w], divided by the scaling factor -> pixels
  // [B, 3, r * h, r * w], nominally in [-1, 1] but not clamped.
  at::Tensor Decode(const at::Tensor& latents, NormPass& norms);
  at::Tensor Decode(const at::Tensor& latents);

 private:
  VaeEncoder encoder_{nullptr};
  VaeDecoder decoder_{nullptr};
  Conv2d quant_conv_{nullptr};       // Null where the config goes without,
  Conv2d post_quant_conv_{nullptr};  // and so is this.
};
TORCH_MODULE(Vae);

}  // namespace upscaler
