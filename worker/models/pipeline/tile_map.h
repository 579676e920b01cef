// Tiles of a picture, found again in the maps that stand for it: latents of some size, or
// pixels of the result.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/tiling/tile_plan.h"

namespace upscaler {

// A picture's tiles in a map of it, whose sides are `times` / `per` of the picture's. Tiles lie
// on whole positions of the map. Immutable.
class TileMap {
 public:
  TileMap(const TilePlan& plan, std::int64_t times, std::int64_t per)
      : plan_(plan), times_(times), per_(per) {}

  const TilePlan& plan() const { return plan_; }

  // A length or position of the picture, in the map.
  std::int64_t Of(int pixels) const { return pixels * times_ / per_; }

  // Of the whole map, and of a tile.
  std::int64_t width() const { return Of(plan_.across.length()); }
  std::int64_t height() const { return Of(plan_.down.length()); }
  std::int64_t tile_width() const { return Of(plan_.across.tile()); }
  std::int64_t tile_height() const { return Of(plan_.down.tile()); }

  // A view of tile `index` of `map` [..., height(), width()]; the map may also be a band of
  // rows that begins at `top`.
  at::Tensor TileOf(const at::Tensor& map, int index, std::int64_t top = 0) const;

  // The part that a tile has in the result at each of its columns [tile_width()], and at each
  // of its rows [tile_height(), 1].
  at::Tensor ColumnWeights(int column, const at::TensorOptions& options) const;
  at::Tensor RowWeights(int row, const at::TensorOptions& options) const;

 private:
  at::Tensor Weights(const TileAxis& axis, int index) const;

  TilePlan plan_;
  std::int64_t times_;
  std::int64_t per_;
};

// Patches from all over `map` [1, C, H, W], four each way, that have as many positions as a
// tile together, or as many as there are -> [16, C, H', W']. For the statistics of a picture
// that does not fit in one piece.
at::Tensor SamplePatches(const at::Tensor& map, std::int64_t tile_height, std::int64_t tile_width);

}  // namespace upscaler
