#include "worker/models/vae/vae.h"

namespace upscaler {
namespace {

Conv2d Conv1x1(std::int64_t channels) {
  return Conv2d(Conv2dOptions{.in = channels, .out = channels, .kernel = 1});
}

}  // namespace

VaeImpl::VaeImpl(const VaeConfig& config)
    : encoder_(register_module("encoder", VaeEncoder(config))),
      decoder_(register_module("decoder", VaeDecoder(config))) {
  if (config.quant_conv) {
    quant_conv_ = register_module("quant_conv", Conv1x1(2 * config.latent_channels));
  }
  if (config.post_quant_conv) {
    post_quant_conv_ = register_module("post_quant_conv", Conv1x1(config.latent_channels));
  }
}

at::Tensor VaeImpl::Encode(const at::Tensor& pixels) {
  NormPass own = NormPass::Own();
  return Encode(pixels, own);
}

at::Tensor VaeImpl::Encode(const at::Tensor& pixels, NormPass& norms) {
  const at::Tensor moments = encoder_(pixels, norms);
  return quant_conv_ ? quant_conv_(moments) : moments;
}

at::Tensor VaeImpl::Decode(const at::Tensor& latents) {
  NormPass own = NormPass::Own();
  return Decode(latents, own);
}

at::Tensor VaeImpl::Decode(const at::Tensor& latents, NormPass& norms) {
  return decoder_(post_quant_conv_ ? post_quant_conv_(latents) : latents, norms);
}

}  // namespace upscaler
