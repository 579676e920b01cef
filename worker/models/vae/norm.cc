#include "worker/models/vae/norm.h"

#include <tuple>

#include <ATen/Functions.h>
#include <c10/util/Exception.h>

#include "worker/kernels/group_norm.h"

namespace upscaler {
namespace {

// Of a sample's side, on either end, what does not count: padding with zeros shows there.
constexpr std::int64_t kBordersInSide = 8;

// features [B, C, H, W] -> their middle
at::Tensor WithoutBorders(const at::Tensor& features) {
  const std::int64_t y = features.size(2) / kBordersInSide;
  const std::int64_t x = features.size(3) / kBordersInSide;
  return features.narrow(2, y, features.size(2) - 2 * y).narrow(3, x, features.size(3) - 2 * x);
}

// What group normalization of all of `features` together comes to.
// features [B, C, H, W], C being weight's size
NormStatistics::Affine AffineOf(const at::Tensor& features, const torch::nn::GroupNormImpl& norm) {
  const std::int64_t groups = norm.options.num_groups();
  const std::int64_t channels = features.size(1);
  const at::Tensor grouped = WithoutBorders(features)
                                 .to(at::kFloat)
                                 .permute({1, 0, 2, 3})
                                 .reshape({groups, -1});  // [G, C / G * B * H * W]
  const auto [variance, mean] = at::var_mean(grouped, /*dim=*/{1}, /*unbiased=*/false);
  const auto to_channels = [&](const at::Tensor& of_groups) {
    return of_groups.repeat_interleave(channels / groups);
  };
  const at::Tensor scale =
      norm.weight.to(at::kFloat) * to_channels(at::rsqrt(variance + norm.options.eps()));
  const at::Tensor shift = norm.bias.to(at::kFloat) - to_channels(mean) * scale;
  return {.scale = scale.to(features.scalar_type()).view({1, channels, 1, 1}),
          .shift = shift.to(features.scalar_type()).view({1, channels, 1, 1})};
}

at::Tensor Apply(const NormStatistics::Affine& affine, const at::Tensor& features,
                 Activation activation) {
  return ActivateInPlace(at::addcmul(affine.shift, features, affine.scale), activation);
}

}  // namespace

at::Tensor NormPass::Normalize(const at::Tensor& features, const torch::nn::GroupNormImpl& norm,
                               Activation activation) {
  if (into_ != nullptr) {
    into_->norms.push_back(AffineOf(features, norm));
    return Apply(into_->norms.back(), features, activation);
  }
  if (measured_ != nullptr) {
    TORCH_CHECK(next_ < measured_->norms.size(), "statistics of another network");
    return Apply(measured_->norms[next_++], features, activation);
  }
  return GroupNormActivation(features, norm.options.num_groups(), norm.options.eps(),
                             norm.weight.unsqueeze(0), norm.bias.unsqueeze(0), activation);
}

VaeNormImpl::VaeNormImpl(const VaeConfig& config, std::int64_t channels)
    : GroupNormImpl(torch::nn::GroupNormOptions(config.norm_groups, channels).eps(1e-6)) {}

}  // namespace upscaler
