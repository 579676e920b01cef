#include "worker/models/vae/decoder.h"

#include <algorithm>
#include <cstddef>

#include "worker/models/vae/resnet_block.h"
#include "worker/models/vae/stage.h"

namespace upscaler {

VaeDecoderImpl::VaeDecoderImpl(const VaeConfig& config)
    : conv_in_(register_module("conv_in",
                               Conv3x3(config.latent_channels, config.level_channels.back()))),
      mid_block_(register_module("mid_block", VaeMidBlock(config))),
      conv_norm_out_(
          register_module("conv_norm_out", VaeNorm(config, config.level_channels.front()))),
      conv_out_(register_module("conv_out", Conv3x3(config.level_channels.front(), 3))) {
  register_module("up_blocks", up_blocks_);
  const std::size_t levels = config.level_channels.size();
  for (std::size_t level = levels; level-- > 0;) {
    up_blocks_->push_back(VaeStage(
        config,
        VaeStageOptions{.in = config.level_channels[std::min(level + 1, levels - 1)],
                        .out = config.level_channels[level],
                        .layers = config.layers_per_level + 1,
                        .then = level == 0 ? VaeResampling::kNone : VaeResampling::kDouble}));
  }
}

at::Tensor VaeDecoderImpl::forward(const at::Tensor& latents, NormPass& norms) {
  at::Tensor features = mid_block_(conv_in_(latents), norms);
  for (const auto& block : *up_blocks_) features = block->as<VaeStage>()->forward(features, norms);
  return conv_out_(conv_norm_out_(features, norms, Activation::kSilu));
}

}  // namespace upscaler
