#include "worker/models/vae/resnet_block.h"

namespace upscaler {

VaeResnetBlockImpl::VaeResnetBlockImpl(const VaeConfig& config, std::int64_t in, std::int64_t out)
    : norm1_(register_module("norm1", VaeNorm(config, in))),
      conv1_(register_module("conv1", Conv3x3(in, out))),
      norm2_(register_module("norm2", VaeNorm(config, out))),
      conv2_(register_module("conv2", Conv3x3(out, out))) {
  if (in != out) {
    conv_shortcut_ =
        register_module("conv_shortcut", Conv2d(Conv2dOptions{.in = in, .out = out, .kernel = 1}));
  }
}

at::Tensor VaeResnetBlockImpl::forward(const at::Tensor& features, NormPass& norms) {
  at::Tensor result = norm1_(features, norms, Activation::kSilu);  // [B, in, H, W]
  result = conv1_(result);                                         // [B, out, H, W]
  result = norm2_(result, norms, Activation::kSilu);
  result = conv2_(result);
  result += conv_shortcut_ ? conv_shortcut_(features) : features;
  return result;
}

}  // namespace upscaler
