// Group normalization in the autoencoder, whose statistics may be another picture's.
//
// A normalization looks at the whole picture: its mean and deviation decide the tone of all
// that follows. Tiles that each went by their own would come out in tones of their own, and
// their borders would show. So the statistics of a picture that is done in tiles are measured
// once, on samples from all over it that are normalized together, and then used for each of
// its tiles.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "worker/kernels/machine_loops.h"
#include "worker/models/vae/vae_config.h"

namespace upscaler {

// What each normalization of a network does to its features, in the order in which the network
// comes to them: a scale and a shift a channel.
struct NormStatistics {
  struct Affine {
    at::Tensor scale;  // [1, C, 1, 1]
    at::Tensor shift;  // [1, C, 1, 1]
  };
  std::vector<Affine> norms;
};

// How the normalizations of one pass through a network come by their statistics. Not
// thread-safe: it belongs to the pass.
class NormPass {
 public:
  // Each picture of the batch by its own, as the network was trained.
  static NormPass Own() { return NormPass(nullptr, nullptr); }
  // The pictures of the batch are samples of one, and normalized together; what comes of it is
  // added to `into`. Their borders, where the network sees less than there is, don't count.
  static NormPass Measure(NormStatistics& into) { return NormPass(&into, nullptr); }
  // By those that were measured in a pass through the same network.
  static NormPass Use(const NormStatistics& measured) { return NormPass(nullptr, &measured); }

  // The next normalization of the pass, and the activation that follows it.
  // features [B, C, H, W] -> the same shape
  at::Tensor Normalize(const at::Tensor& features, const torch::nn::GroupNormImpl& norm,
                       Activation activation);

 private:
  NormPass(NormStatistics* into, const NormStatistics* measured)
      : into_(into), measured_(measured) {}

  NormStatistics* const into_;
  const NormStatistics* const measured_;
  std::size_t next_ = 0;  // Of the measured ones.
};

// Parameters: weight [C], bias [C].
class VaeNormImpl : public torch::nn::GroupNormImpl {
 public:
  VaeNormImpl(const VaeConfig& config, std::int64_t channels);

  // features [B, C, H, W] -> the same shape, with the activation applied
  at::Tensor forward(const at::Tensor& features, NormPass& norms,
                     Activation activation = Activation::kNone) {
    return norms.Normalize(features, *this, activation);
  }
};
TORCH_MODULE(VaeNorm);

}  // namespace upscaler
