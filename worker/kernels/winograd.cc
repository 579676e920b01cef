#include "worker/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include "worker/kernels/winograd_points.h"

namespace upscaler {
namespace {

// How many tiles go through at a time, for each thread: more of them use a weight more often once
// it has come from memory, and fewer have room in the cache with what lies between.
constexpr std::int64_t kLeastTilesInBlock = 24;
constexpr std::int64_t kMostTilesInBlock = 96;
constexpr std::int64_t kWeightsPerTile = 1536;

// What keeps the 36 apart that are written one after the other: a cache has few places for
// addresses that are whole pages from each other.
constexpr std::int64_t kStagger = 16;

// Below these the transforms cost more than the products that are saved: channels; tiles of a
// picture, for which all weights are read; and products of the plain convolution for each one
// here, which are 4 at the most, and fewer where tiles reach beyond the picture.
constexpr std::int64_t kLeastChannels = 16;
constexpr std::int64_t kLeastTilesInPicture = 4;
constexpr std::int64_t kLeastSaving = 2;

std::int64_t RoundUp(std::int64_t number, std::int64_t multiple) {
  return (number + multiple - 1) / multiple * multiple;
}

// A convolution's tiles, in rows from the top left of the first picture.
struct TileGrid {
  std::int64_t pictures = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t rows() const { return (height + kWinogradOut - 1) / kWinogradOut; }
  std::int64_t columns() const { return (width + kWinogradOut - 1) / kWinogradOut; }
  std::int64_t count() const { return pictures * rows() * columns(); }

  // Where a sample is, counted in samples from the first picture's first; -1 if nowhere.
  // `y` and `x` are from the first result of the tile.
  std::int64_t At(std::int64_t tile, std::int64_t y, std::int64_t x) const {
    y += tile / columns() % rows() * kWinogradOut;
    x += tile % columns() * kWinogradOut;
    if (y < 0 || y >= height || x < 0 || x >= width) return -1;
    return (tile / columns() / rows() * height + y) * width + x;
  }
};

// The rows of G for the points 0, a, -a, b, -b and infinity: 1, p and p², over the product of p's
// distances from the others.
constexpr double kA = kWinogradA;
constexpr double kB = kWinogradB;
constexpr double kOverA = 1 / (2 * kA * kA * (kA * kA - kB * kB));
constexpr double kOverB = 1 / (2 * kB * kB * (kB * kB - kA * kA));
constexpr double kWeightTransform[kWinogradIn][3] = {{1, 0, 0},
                                                     {kOverA, kOverA* kA, kOverA* kA* kA},
                                                     {kOverA, -kOverA* kA, kOverA* kA* kA},
                                                     {kOverB, kOverB* kB, kOverB* kB* kB},
                                                     {kOverB, -kOverB* kB, kOverB* kB* kB},
                                                     {0, 0, 1}};

// The 36 forms of one kernel. `kernel` [3, 3], `forms` at [36] * stride.
void TransformKernel(const std::array<double, 9>& kernel, float* forms, std::int64_t stride) {
  std::array<std::array<double, 3>, kWinogradIn> columns{};
  for (std::size_t y = 0; y < kWinogradIn; ++y) {
    for (std::size_t x = 0; x < 3; ++x) {
      const double* const row = kWeightTransform[y];
      columns[y][x] = row[0] * kernel[x] + row[1] * kernel[3 + x] + row[2] * kernel[6 + x];
    }
  }
  for (std::size_t y = 0; y < kWinogradIn; ++y) {
    for (std::size_t x = 0; x < kWinogradIn; ++x) {
      const double* const row = kWeightTransform[x];
      *forms = static_cast<float>(row[0] * columns[y][0] + row[1] * columns[y][1] +
                                  row[2] * columns[y][2]);
      forms += stride;
    }
  }
}

// Of all threads together.
std::int64_t TilesInBlock(std::int64_t in, std::int64_t out) {
  return at::get_num_threads() *
         std::clamp(in * out / kWeightsPerTile, kLeastTilesInBlock, kMostTilesInBlock);
}

// One call's tensors, and what is done with them.
//
// The threads work on one block of tiles together. First and last they share out the tiles, but in
// between the products: so each weight is read by one thread, and at small pictures weights are
// most of what comes from memory.
class Convolution {
 public:
  Convolution(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
              const at::Tensor& result, const MachineLoops& loops)
      : loops_(loops),
        grid_{.pictures = input.size(0), .height = input.size(2), .width = input.size(3)},
        in_(input.size(1)),
        out_(bias.size(0)),
        panels_(weight.size(1)),
        columns_(weight.size(1) * weight.size(3)),
        tiles_in_block_(std::min(grid_.count(), TilesInBlock(in_, out_))),
        padded_tiles_(RoundUp(tiles_in_block_, loops.winograd_rows)),
        factor_stride_(padded_tiles_ * in_ + kStagger),
        product_stride_(padded_tiles_ * columns_ + kStagger),
        factors_(at::empty({kWinogradProducts * factor_stride_}, at::kFloat)),
        products_(at::empty({kWinogradProducts * product_stride_}, at::kFloat)),
        input_(input.const_data_ptr<float>()),
        weight_(weight.const_data_ptr<float>()),
        bias_(bias.const_data_ptr<float>()),
        result_(result.mutable_data_ptr<float>()),
        zeros_(static_cast<std::size_t>(in_)) {
    // Nobody reads what comes of the rows that fill up the last ones, but any bits could be slow
    // to multiply.
    for (std::int64_t product = 0; product < kWinogradProducts; ++product) {
      float* const rows = factors() + product * factor_stride_;
      std::fill(rows + tiles_in_block_ * in_, rows + padded_tiles_ * in_, 0.0F);
    }
  }

  void Do() const {
    const std::int64_t tiles = grid_.count();
    for (std::int64_t first = 0; first < tiles; first += tiles_in_block_) {
      const std::int64_t count = std::min(tiles_in_block_, tiles - first);
      ShareOut(count, [&](std::int64_t begin, std::int64_t end) { Transform(first, begin, end); });
      ShareOut(kWinogradProducts * panels_,
               [&](std::int64_t begin, std::int64_t end) { Multiply(count, begin, end); });
      ShareOut(count, [&](std::int64_t begin, std::int64_t end) { Gather(first, begin, end); });
    }
  }

 private:
  template <typename Function>
  static void ShareOut(std::int64_t count, const Function& function) {
    at::parallel_for(0, count, /*grain_size=*/1, function);
  }

  float* factors() const { return factors_.mutable_data_ptr<float>(); }
  float* products() const { return products_.mutable_data_ptr<float>(); }

  // The factors of some tiles of the block whose first one is `first`.
  void Transform(std::int64_t first, std::int64_t begin, std::int64_t end) const {
    for (std::int64_t tile = begin; tile < end; ++tile) {
      loops_.winograd_transform(InputOf(first + tile), in_, factors() + tile * in_, factor_stride_);
    }
  }

  // For some panels of the weights, counted through all 36 products.
  void Multiply(std::int64_t tiles, std::int64_t begin, std::int64_t end) const {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const std::int64_t product = panel / panels_;
      const std::int64_t column = panel % panels_ * loops_.winograd_columns;
      loops_.winograd_multiply(factors() + product * factor_stride_,
                               RoundUp(tiles, loops_.winograd_rows), in_,
                               weight_ + panel * in_ * loops_.winograd_columns,
                               products() + product * product_stride_ + column, columns_);
    }
  }

  // The results of some tiles.
  void Gather(std::int64_t first, std::int64_t begin, std::int64_t end) const {
    std::vector<float> nowhere(static_cast<std::size_t>(out_));  // For what is beyond the picture.
    for (std::int64_t tile = begin; tile < end; ++tile) {
      loops_.winograd_gather(products() + tile * columns_, product_stride_, bias_, out_,
                             OutputOf(first + tile, nowhere.data()));
    }
  }

  WinogradInput InputOf(std::int64_t tile) const {
    WinogradInput input{};
    for (int i = 0; i < kWinogradProducts; ++i) {
      const std::int64_t at = grid_.At(tile, i / kWinogradIn - 1, i % kWinogradIn - 1);
      input.samples[i] = at < 0 ? zeros_.data() : input_ + at * in_;
    }
    return input;
  }

  WinogradOutput OutputOf(std::int64_t tile, float* nowhere) const {
    WinogradOutput output{};
    for (int i = 0; i < kWinogradOut * kWinogradOut; ++i) {
      const std::int64_t at = grid_.At(tile, i / kWinogradOut, i % kWinogradOut);
      output.results[i] = at < 0 ? nowhere : result_ + at * out_;
    }
    return output;
  }

  const MachineLoops& loops_;
  const TileGrid grid_;
  const std::int64_t in_;
  const std::int64_t out_;
  const std::int64_t panels_;
  const std::int64_t columns_;  // Of all panels: at least out.
  const std::int64_t tiles_in_block_;
  const std::int64_t padded_tiles_;    // Whole rows of the multiplication.
  const std::int64_t factor_stride_;   // From one of the 36 to the next.
  const std::int64_t product_stride_;  // Likewise.
  const at::Tensor factors_;           // [36, tiles, in]
  const at::Tensor products_;          // [36, tiles, columns]
  const float* const input_;
  const float* const weight_;
  const float* const bias_;
  float* const result_;
  const std::vector<float> zeros_;  // [in], what is beyond the picture.
};

}  // namespace

std::int64_t WinogradWorkspace(std::int64_t in, std::int64_t out, std::int64_t samples) {
  constexpr std::int64_t kSamplesOfTile = kWinogradOut * kWinogradOut;
  const std::int64_t tiles =
      std::min((samples + kSamplesOfTile - 1) / kSamplesOfTile, TilesInBlock(in, out));
  return kWinogradProducts * tiles * (in + out);
}

bool PaysWinograd(std::int64_t in, std::int64_t out, std::int64_t height, std::int64_t width) {
  const TileGrid grid{.pictures = 1, .height = height, .width = width};
  return std::min(in, out) >= kLeastChannels && grid.count() >= kLeastTilesInPicture &&
         9 * height * width >= kLeastSaving * kWinogradProducts * grid.count();
}

at::Tensor TransformConv3x3Weight(const at::Tensor& weight, const MachineLoops& loops) {
  TORCH_CHECK(weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3,
              "Winograd's convolution found a weight of ", weight.sizes(),
              ", wanted [out, in, 3, 3]");
  const std::int64_t out = weight.size(0);
  const std::int64_t in = weight.size(1);
  const std::int64_t columns = loops.winograd_columns;
  const std::int64_t panels = RoundUp(out, columns) / columns;
  const at::Tensor kernels = weight.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor result =
      at::zeros({kWinogradProducts, panels, in, columns}, kernels.options().memory_format({}));
  const auto* const from = kernels.const_data_ptr<float>();
  auto* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, panels * in, /*grain_size=*/32, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t first = row / in * columns;
      for (std::int64_t column = 0; column < std::min(columns, out - first); ++column) {
        std::array<double, 9> kernel{};
        for (std::int64_t i = 0; i < 9; ++i) {
          kernel[static_cast<std::size_t>(i)] = from[((first + column) * 9 + i) * in + row % in];
        }
        TransformKernel(kernel, to + row * columns + column, panels * in * columns);
      }
    }
  });
  return result;
}

at::Tensor WinogradConv3x3(const at::Tensor& features, const at::Tensor& weight,
                           const at::Tensor& bias, const MachineLoops& loops) {
  TORCH_CHECK(features.dim() == 4 && features.scalar_type() == at::kFloat && weight.dim() == 4 &&
                  weight.size(0) == kWinogradProducts && weight.size(2) == features.size(1) &&
                  weight.size(3) == loops.winograd_columns && bias.dim() == 1 &&
                  weight.size(1) * weight.size(3) == RoundUp(bias.size(0), weight.size(3)) &&
                  bias.is_contiguous(),
              "Winograd's convolution found features ", features.sizes(), ", a weight of ",
              weight.sizes(), " and a bias of ", bias.sizes());
  const auto input = features.contiguous(at::MemoryFormat::ChannelsLast);
  const auto result = at::empty({input.size(0), bias.size(0), input.size(2), input.size(3)},
                                input.options(), at::MemoryFormat::ChannelsLast);
  if (result.numel() > 0) Convolution(input, weight, bias, result, loops).Do();
  return result;
}

}  // namespace upscaler
