#include "worker/models/vae/encoder.h"

#include <cstddef>

#include "worker/models/vae/resnet_block.h"
#include "worker/models/vae/stage.h"

namespace upscaler {

VaeEncoderImpl::VaeEncoderImpl(const VaeConfig& config)
    : conv_in_(register_module("conv_in", Conv3x3(3, config.level_channels.front()))),
      mid_block_(register_module("mid_block", VaeMidBlock(config))),
      conv_norm_out_(
          register_module("conv_norm_out", VaeNorm(config, config.level_channels.back()))),
      conv_out_(register_module(
          "conv_out", Conv3x3(config.level_channels.back(), 2 * config.latent_channels))) {
  register_module("down_blocks", down_blocks_);
  const std::size_t levels = config.level_channels.size();
  for (std::size_t level = 0; level < levels; ++level) {
    down_blocks_->push_back(
        VaeStage(config, VaeStageOptions{.in = config.level_channels[level == 0 ? 0 : level - 1],
                                         .out = config.level_channels[level],
                                         .layers = config.layers_per_level,
                                         .then = level + 1 == levels ? VaeResampling::kNone
                                                                     : VaeResampling::kHalve}));
  }
}

at::Tensor VaeEncoderImpl::forward(const at::Tensor& pixels, NormPass& norms) {
  at::Tensor features = conv_in_(pixels);
  for (const auto& block : *down_blocks_)
    features = block->as<VaeStage>()->forward(features, norms);
  features = mid_block_(features, norms);
  return conv_out_(conv_norm_out_(features, norms, Activation::kSilu));
}

}  // namespace upscaler
