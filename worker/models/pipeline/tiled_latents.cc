#include "worker/models/pipeline/tiled_latents.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/Functions.h>

#include "worker/models/sampler/euler.h"

namespace upscaler {
TiledLatents::TiledLatents(at::Tensor latents, const TileMap& map, bool looks)
    : map_(map),
      latents_(std::move(latents)),
      looks_(looks),
      look_stride_((std::max(map.width(), map.height()) + kMostLookSide - 1) / kMostLookSide) {}

void TiledLatents::Add(int index, const at::Tensor& denoised, float sigma, float next_sigma) {
  const int column = map_.plan().column(index);
  const int row = map_.plan().row(index);
  const TileAxis& down = map_.plan().down;
  if (column == 0) LowerBand(row);
  const std::int64_t top = map_.Of(down.start(row));
  const at::TensorOptions options = band_.options();
  map_.TileOf(band_, index, top)
      .add_(denoised.to(at::kFloat) * map_.ColumnWeights(column, options) *
            map_.RowWeights(row, options));
  if (column + 1 < map_.plan().across.count()) return;
  const std::int64_t end = row + 1 == down.count() ? map_.height() : map_.Of(down.start(row + 1));
  Move(top, end, band_.narrow(2, 0, end - top), sigma, next_sigma);
  if (row + 1 == down.count()) band_ = at::Tensor();
}

void TiledLatents::Replace(at::Tensor next, const at::Tensor& denoised) {
  latents_ = std::move(next);
  if (looks_) Look(0, denoised);
}

void TiledLatents::LowerBand(int row) {
  const at::Tensor above =
      std::exchange(band_, at::zeros({1, latents_.size(1), map_.tile_height(), map_.width()},
                                     latents_.options().dtype(at::kFloat)));
  if (row == 0) return;
  const TileAxis& down = map_.plan().down;
  const std::int64_t moved = map_.Of(down.start(row)) - map_.Of(down.start(row - 1));
  const std::int64_t shared = map_.tile_height() - moved;
  band_.narrow(2, 0, shared).copy_(above.narrow(2, moved, shared));
}

void TiledLatents::Move(std::int64_t from, std::int64_t to, const at::Tensor& denoised, float sigma,
                        float next_sigma) {
  at::Tensor rows = latents_.narrow(2, from, to - from);
  const at::Tensor moved = EulerStep(rows, denoised, sigma, next_sigma);
  if (to - from == latents_.size(2)) {
    latents_ = moved;
  } else {
    rows.copy_(moved);
  }
  if (looks_) Look(from, denoised);
}

void TiledLatents::Look(std::int64_t from, const at::Tensor& denoised) {
  const auto strides = [this](std::int64_t positions) {
    return (positions + look_stride_ - 1) / look_stride_;
  };
  if (!look_.defined()) {
    look_ = at::empty({1, denoised.size(1), strides(map_.height()), strides(map_.width())},
                      denoised.options());
  }
  const std::int64_t first = strides(from);
  const at::Tensor seen = denoised.slice(2, first * look_stride_ - from, std::nullopt, look_stride_)
                              .slice(3, 0, std::nullopt, look_stride_);
  look_.narrow(2, first, seen.size(2)).copy_(seen);
}

}  // namespace upscaler
