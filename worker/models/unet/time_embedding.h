// The noise level, and what goes with it, as a vector that every layer can read.

#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"
#include "worker/models/unet/unet_config.h"

namespace upscaler {

// Parameters: weight [E / 2], frequencies that were drawn before training and
// stored with the rest.
class FourierFeaturesImpl : public torch::nn::Module {
 public:
  explicit FourierFeaturesImpl(const UnetConfig& config);

  // c_noise [B] of float -> [B, E] of float: the cosines, then the sines. It is
  // computed in float whatever the module's dtype, since the phases are large.
  at::Tensor forward(const at::Tensor& c_noise);

 private:
  at::Tensor weight_;
};
TORCH_MODULE(FourierFeatures);

// Parameters: cond_proj.weight [E, time_condition_width], linear_1 and linear_2,
// each a weight [E, E] and a bias.
class TimeEmbeddingImpl : public torch::nn::Module {
 public:
  explicit TimeEmbeddingImpl(const UnetConfig& config);

  // features [B, E], condition [B, time_condition_width] -> [B, E]. The features
  // are taken in the condition's dtype.
  at::Tensor forward(const at::Tensor& features, const at::Tensor& condition);

 private:
  Linear cond_proj_{nullptr};
  Linear linear_1_{nullptr};
  Linear linear_2_{nullptr};
};
TORCH_MODULE(TimeEmbedding);

}  // namespace upscaler
