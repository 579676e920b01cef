#include "worker/models/unet/time_embedding.h"

#include <numbers>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>

namespace upscaler {

FourierFeaturesImpl::FourierFeaturesImpl(const UnetConfig& config)
    : weight_(register_parameter("weight", at::empty({config.time_embedding_width / 2}),
                                 /*requires_grad=*/false)) {}

at::Tensor FourierFeaturesImpl::forward(const at::Tensor& c_noise) {
  const auto phases =
      c_noise.unsqueeze(1) * weight_.to(at::kFloat) * (2 * std::numbers::pi);  // [B, E / 2]
  return at::cat({phases.cos(), phases.sin()}, /*dim=*/1);
}

TimeEmbeddingImpl::TimeEmbeddingImpl(const UnetConfig& config)
    : cond_proj_(
          register_module("cond_proj", Linear(LinearOptions{.in = config.time_condition_width,
                                                            .out = config.time_embedding_width,
                                                            .bias = false}))),
      linear_1_(
          register_module("linear_1", Linear(LinearOptions{.in = config.time_embedding_width,
                                                           .out = config.time_embedding_width}))),
      linear_2_(
          register_module("linear_2", Linear(LinearOptions{.in = config.time_embedding_width,
                                                           .out = config.time_embedding_width}))) {}

at::Tensor TimeEmbeddingImpl::forward(const at::Tensor& features, const at::Tensor& condition) {
  const auto conditioned = features.to(condition.scalar_type()) + cond_proj_(condition);
  return at::gelu(linear_2_(at::gelu(linear_1_(conditioned))));
}

}  // namespace upscaler
