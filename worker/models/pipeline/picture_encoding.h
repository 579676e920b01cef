// A picture on its way to its latents, tile by tile.

#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/tile_map.h"
#include "worker/models/sampler/noise_source.h"
#include "worker/models/vae/norm.h"

namespace upscaler {

// The moments of the latents that the VAE sees in a picture, as far as its tiles have come.
// With one tile they are the VAE's own; otherwise the tiles are normalized alike and blended.
// Not thread-safe. The caller holds a c10::InferenceMode; throws what LibTorch throws, and can
// be called again then.
class PictureEncoding {
 public:
  // pixels [H, W, 3] of uint8 or uint16, on the CPU, which are those of the plan's picture.
  // `checkpoint` must outlive the encoding.
  PictureEncoding(const Checkpoint& checkpoint, at::Tensor pixels, const TilePlan& plan);

  // Encodes the next tile. Requires that there is one left.
  void EncodeTile();

  // How many tiles there are still to encode.
  int tiles_left() const { return map_.plan().count() - done_; }

  // A sample of the latents, not their mean: so the reference has it. Once, when no tile is
  // left; what the encoding holds goes. -> [1, C, h, w], scaled for the UNet.
  at::Tensor TakeSample(NoiseSource& noise);

 private:
  // pixels [h, w, 3] of the picture -> [1, 3, h, w] in [-1, 1]
  at::Tensor Normalized(const at::Tensor& pixels) const;
  // Measured when the first tile asks.
  const NormStatistics& Statistics();

  const Checkpoint& checkpoint_;
  at::Tensor pixels_;
  TileMap map_;         // In latents.
  TileMap pixel_map_;   // In pixels.
  at::Tensor moments_;  // [1, 2 * C, h, w], in float where there are several tiles.
  std::optional<NormStatistics> statistics_;
  int done_ = 0;
};

}  // namespace upscaler
