// What latents look like, without the decoder: for a glance at a picture on its way.
//
// Latents are a picture's colours, more or less, in a mixture of channels: a linear map
// from them to colours loses the detail and is a thousand times as fast as decoding. The
// map is the model's own: it is fitted to what its encoder makes of a picture whose colours
// are known, so it suits any autoencoder.

#pragma once

#include <ATen/core/Tensor.h>

#include "worker/models/pipeline/checkpoint.h"

namespace upscaler {

// Immutable; thread-safe. Throws what LibTorch throws; the caller holds a
// c10::InferenceMode.
class PreviewMap {
 public:
  // Encodes one small picture of random colours, and solves for the map by least squares.
  static PreviewMap Fit(const Checkpoint& checkpoint);

  // latents [1, C, H, W], without noise, scaled for the UNet -> [H, W, 3] of uint8, on the
  // CPU
  at::Tensor Apply(const at::Tensor& latents) const;

 private:
  explicit PreviewMap(const at::Tensor& weights) : weights_(weights) {}

  at::Tensor weights_;  // [C + 1, 3] of float; the last row is added.
};

}  // namespace upscaler
