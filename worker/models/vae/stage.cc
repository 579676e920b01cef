#include "worker/models/vae/stage.h"

#include <memory>
#include <optional>
#include <vector>

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/upsample_nearest2d.h>

#include "worker/models/vae/resnet_block.h"

namespace upscaler {

VaeStageImpl::VaeStageImpl(const VaeConfig& config, const VaeStageOptions& options)
    : then_(options.then) {
  register_module("resnets", resnets_);
  for (std::int64_t i = 0; i < options.layers; ++i) {
    resnets_->push_back(VaeResnetBlock(config, i == 0 ? options.in : options.out, options.out));
  }
  if (then_ == VaeResampling::kNone) return;

  const bool halves = then_ == VaeResampling::kHalve;
  resampling_conv_ = Conv2d(Conv2dOptions{.in = options.out,
                                          .out = options.out,
                                          .kernel = 3,
                                          .stride = halves ? 2 : 1,
                                          .padding = halves ? 0 : 1});
  // The checkpoint's name has a list of one sampler, of which the convolution is
  // the only part with weights.
  const auto sampler = std::make_shared<torch::nn::Module>();
  sampler->register_module("conv", resampling_conv_);
  torch::nn::ModuleList samplers;
  samplers->push_back(sampler);
  register_module(halves ? "downsamplers" : "upsamplers", samplers);
}

at::Tensor VaeStageImpl::forward(const at::Tensor& features, NormPass& norms) {
  at::Tensor result = features;
  for (const auto& resnet : *resnets_)
    result = resnet->as<VaeResnetBlock>()->forward(result, norms);

  switch (then_) {
    case VaeResampling::kNone:
      return result;
    case VaeResampling::kHalve:
      // Padded on the right and at the bottom alone, as it was trained.
      return resampling_conv_(at::constant_pad_nd(result, {0, 1, 0, 1}));
    case VaeResampling::kDouble:
      return resampling_conv_(at::upsample_nearest2d(result, /*output_size=*/std::nullopt,
                                                     std::vector<double>{2.0, 2.0}));
  }
  return result;
}

}  // namespace upscaler
