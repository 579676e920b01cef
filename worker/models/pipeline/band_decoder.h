// Latents to a picture, from the top downwards.
//
// A picture that is decoded in tiles is larger than what the device has memory for, and its
// pixels take 48 times the memory of Stable Diffusion's latents. So they come a band at a time,
// and whoever writes the file has it written before the next.

#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/tile_map.h"
#include "worker/models/vae/norm.h"

namespace upscaler {

// What one pass of the decoder says -> pixels. decoded [1, 3, H, W], nominally in [-1, 1] ->
// [H, W, 3] on the CPU: of uint8 for 8 bits, of uint16 for 16. Throws if a number is not finite:
// it would become black without a word.
at::Tensor ToPixels(const at::Tensor& decoded, int bits);

// Not thread-safe. The caller holds a c10::InferenceMode; throws what LibTorch throws.
class BandDecoder {
 public:
  // latents [1, C, 2h, 2w] of a row whose small picture has the plan. `checkpoint` must outlive
  // the decoder.
  BandDecoder(const Checkpoint& checkpoint, at::Tensor latents, const TilePlan& plan, int bits);

  // Of the picture, in pixels.
  std::int64_t width() const { return pixels_.width(); }
  std::int64_t height() const { return pixels_.height(); }
  // How many bands there are.
  int count() const { return pixels_.plan().down.count(); }

  // The next rows, at least one -> [rows, width(), 3], see ToPixels. At most count() times.
  at::Tensor Next();

 private:
  // A row of tiles, blended with one another -> [1, 3, tile's H, width()] in float
  at::Tensor DecodeRow(int row);
  const NormStatistics& Statistics();

  const Checkpoint& checkpoint_;
  at::Tensor latents_;
  const TileMap map_;     // In latents.
  const TileMap pixels_;  // In pixels of the result.
  const int bits_;
  std::optional<NormStatistics> statistics_;
  int next_ = 0;
  at::Tensor handed_over_;  // [1, 3, H, width()], what the row above has of the next band.
};

}  // namespace upscaler
