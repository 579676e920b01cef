#include "worker/models/unet/unet.h"

#include <cstddef>
#include <vector>

#include <ATen/ops/cat.h>

#include "worker/kernels/resample.h"
#include "worker/models/unet/unet_block.h"
#include "worker/models/unet/unet_plan.h"

namespace upscaler {
namespace {

// A convolution that keeps the size, with a kernel of 1 or 3.
Conv2d SameSizeConv(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return Conv2d(Conv2dOptions{.in = in, .out = out, .kernel = kernel, .padding = (kernel - 1) / 2});
}

}  // namespace

UnetImpl::UnetImpl(const UnetConfig& config)
    : conv_in_(register_module(
          "conv_in",
          SameSizeConv(config.in_channels, config.level_channels.front(), config.conv_in_kernel))),
      time_proj_(register_module("time_proj", FourierFeatures(config))),
      time_embedding_(register_module("time_embedding", TimeEmbedding(config))),
      conv_out_(
          register_module("conv_out", SameSizeConv(config.level_channels.front(),
                                                   config.out_channels, config.conv_out_kernel))) {
  register_module("down_blocks", down_blocks_);
  register_module("up_blocks", up_blocks_);
  const UnetPlan plan = PlanUnet(config);
  for (const auto& block : plan.down) down_blocks_->push_back(UnetBlock(config, block, layout_));
  for (const auto& block : plan.up) up_blocks_->push_back(UnetBlock(config, block, layout_));
}

at::Tensor UnetImpl::Modulation(const at::Tensor& c_noise, const at::Tensor& condition) {
  return layout_.Modulation(time_embedding_(time_proj_(c_noise), condition));
}

at::Tensor UnetImpl::KeysValues(const at::Tensor& context) { return layout_.KeysValues(context); }

at::Tensor UnetImpl::forward(const at::Tensor& sample, const at::Tensor& modulation,
                             const at::Tensor& keys_values) {
  const std::size_t levels = down_blocks_->size();
  at::Tensor features = conv_in_(sample);  // [B, C, H, W], C and the size being the level's

  std::vector<at::Tensor> skips;  // One for each level but the coarsest.
  for (std::size_t level = 0; level < levels; ++level) {
    if (level > 0) features = Downsample2x(features);
    features = down_blocks_->at<UnetBlockImpl>(level).forward(features, modulation, keys_values);
    if (level + 1 < levels) skips.push_back(features);
  }

  for (std::size_t i = 0; i < levels; ++i) {
    if (i > 0) {
      features = at::cat({Upsample2x(features), skips.back()}, /*dim=*/1);
      skips.pop_back();
    }
    features = up_blocks_->at<UnetBlockImpl>(i).forward(features, modulation, keys_values);
  }
  return conv_out_(features);
}

}  // namespace upscaler
