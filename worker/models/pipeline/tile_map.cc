#include "worker/models/pipeline/tile_map.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

namespace upscaler {

at::Tensor TileMap::TileOf(const at::Tensor& map, int index, std::int64_t top) const {
  return map.narrow(-2, Of(plan_.down.start(plan_.row(index))) - top, tile_height())
      .narrow(-1, Of(plan_.across.start(plan_.column(index))), tile_width());
}

at::Tensor TileMap::ColumnWeights(int column, const at::TensorOptions& options) const {
  return Weights(plan_.across, column).to(options);
}

at::Tensor TileMap::RowWeights(int row, const at::TensorOptions& options) const {
  return Weights(plan_.down, row).unsqueeze(1).to(options);
}

at::Tensor TileMap::Weights(const TileAxis& axis, int index) const {
  const double pixels = static_cast<double>(per_) / static_cast<double>(times_);
  std::vector<float> weights;
  for (std::int64_t i = 0; i < Of(axis.tile()); ++i) {
    const double middle = axis.start(index) + (static_cast<double>(i) + 0.5) * pixels;
    weights.push_back(static_cast<float>(axis.Weight(index, middle)));
  }
  return at::tensor(weights, at::kFloat);
}

at::Tensor SamplePatches(const at::Tensor& map, std::int64_t tile_height, std::int64_t tile_width) {
  constexpr std::int64_t kPatches = 4;  // Each way.
  const std::int64_t height =
      std::min(std::max<std::int64_t>(tile_height / kPatches, 1), map.size(2));
  const std::int64_t width =
      std::min(std::max<std::int64_t>(tile_width / kPatches, 1), map.size(3));
  std::vector<at::Tensor> patches;
  for (std::int64_t y = 0; y < kPatches; ++y) {
    for (std::int64_t x = 0; x < kPatches; ++x) {
      patches.push_back(map.narrow(2, y * (map.size(2) - height) / (kPatches - 1), height)
                            .narrow(3, x * (map.size(3) - width) / (kPatches - 1), width));
    }
  }
  return at::cat(patches);
}

}  // namespace upscaler
