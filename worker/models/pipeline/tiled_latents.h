// The latents of a picture that takes its steps tile by tile.
//
// Every tile is denoised by itself, but all see the same latents and move them together:
// where tiles overlap, what they make out in the noise is blended before the step is taken.
// So neighbours agree while they form, and not only at the end.
//
// Only a band of what was made out is kept, as high as a tile: as soon as no later tile of the
// step reads a row of the latents, it takes its step in place.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/models/pipeline/tile_map.h"

namespace upscaler {

// In shapes, h and w are the sides of the whole. Not thread-safe.
class TiledLatents {
 public:
  // latents [1, C, h, w], which become its own. With `looks`, look() is kept up to date.
  TiledLatents(at::Tensor latents, const TileMap& map, bool looks);

  // What tile `index` works on, a view -> [1, C, tile's h, tile's w]
  at::Tensor Tile(int index) const { return map_.TileOf(latents_, index); }

  // Of a picture of several tiles: takes in what tile `index` has made out, denoised [1, C, tile's
  // h, tile's w]. The tiles of a step come in order; with the last one all of the latents have gone
  // from noise level `sigma` to `next_sigma`. A tile that is read before may be added after tiles
  // that were added in between.
  void Add(int index, const at::Tensor& denoised, float sigma, float next_sigma);

  // The same for a picture of one tile, whose `next` latents have been computed with what was
  // made out, both [1, C, h, w].
  void Replace(at::Tensor next, const at::Tensor& denoised);

  // [1, C, h, w]
  const at::Tensor& latents() const { return latents_; }

  // What was made out in the noise by the last step, every look_stride()-th position each way:
  // a picture can be made out in it long before the latents themselves show one. Undefined
  // before the first step.
  const at::Tensor& look() const { return look_; }
  // So that neither side of a look is longer than kMostLookSide.
  std::int64_t look_stride() const { return look_stride_; }
  static constexpr std::int64_t kMostLookSide = 1024;

 private:
  // The rows from `from` to before `to` take their step. denoised [1, C, to - from, w]
  void Move(std::int64_t from, std::int64_t to, const at::Tensor& denoised, float sigma,
            float next_sigma);
  // Keeps what was made out in rows from `from` on for look(). denoised [1, C, rows, w]
  void Look(std::int64_t from, const at::Tensor& denoised);
  // Moves the band down to the tiles of `row`, keeping what these share with those above.
  void LowerBand(int row);

  TileMap map_;
  at::Tensor latents_;
  at::Tensor band_;  // [1, C, tile's h, w], in float: of the row of tiles that is at work.
  const bool looks_;
  const std::int64_t look_stride_;
  at::Tensor look_;
};

}  // namespace upscaler
