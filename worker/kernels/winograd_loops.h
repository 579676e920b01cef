// The loops of Winograd's convolution, for one kind of vectors: see vector_loops.h.

#pragma once

#include <cstdint>

#include "worker/kernels/machine_loops.h"
#include "worker/kernels/vector_loops.h"
#include "worker/kernels/winograd_points.h"

namespace upscaler {
namespace {

constexpr auto kA = static_cast<float>(kWinogradA);
constexpr auto kB = static_cast<float>(kWinogradB);
constexpr float kSumOfSquares = 2.5F;  // a² + b²; their product is 1.

// Along one axis: six samples -> six products' factors. Those of a and -a, and of b and -b,
// share their halves.
template <typename Vector>
void TransformSix(const Vector* in, int step, Vector* out) {
  const Vector d0 = in[0];
  const Vector d1 = in[step];
  const Vector d2 = in[2 * step];
  const Vector d3 = in[3 * step];
  const Vector d4 = in[4 * step];
  const Vector d5 = in[5 * step];
  // b² = 2 and b²a = b, a² = 1/2 and a²b = a.
  const Vector even_a = d4 - 2.0F * d2;
  const Vector odd_a = kA * d3 - kB * d1;
  const Vector even_b = d4 - 0.5F * d2;
  const Vector odd_b = kB * d3 - kA * d1;
  out[0] = d0 - kSumOfSquares * d2 + d4;
  out[step] = even_a + odd_a;
  out[2 * step] = even_a - odd_a;
  out[3 * step] = even_b + odd_b;
  out[4 * step] = even_b - odd_b;
  out[5 * step] = d1 - kSumOfSquares * d3 + d5;
}

// Along one axis: six products -> four results.
template <typename Vector>
void GatherFour(const Vector* in, int step, Vector* out, int out_step) {
  const Vector sum_a = in[step] + in[2 * step];
  const Vector difference_a = in[step] - in[2 * step];
  const Vector sum_b = in[3 * step] + in[4 * step];
  const Vector difference_b = in[3 * step] - in[4 * step];
  out[0] = in[0] + sum_a + sum_b;
  out[out_step] = kA * difference_a + kB * difference_b;
  out[2 * out_step] = 0.5F * sum_a + 2.0F * sum_b;
  out[3 * out_step] = 0.5F * kA * difference_a + 2.0F * kB * difference_b + in[5 * step];
}

template <typename Vector>
void TransformChannels(const WinogradInput& tile, std::int64_t channel, float* factors,
                       std::int64_t stride) {
  Vector grid[kWinogradProducts];
  for (int i = 0; i < kWinogradProducts; ++i) grid[i] = Load<Vector>(tile.samples[i] + channel);
  for (int x = 0; x < kWinogradIn; ++x) TransformSix(grid + x, kWinogradIn, grid + x);
  for (int y = 0; y < kWinogradIn; ++y) {
    TransformSix(grid + y * kWinogradIn, 1, grid + y * kWinogradIn);
  }
  for (int i = 0; i < kWinogradProducts; ++i) Store(grid[i], factors + i * stride + channel);
}

template <typename Vector>
void GatherChannels(const float* products, std::int64_t stride, const float* bias,
                    std::int64_t channel, const WinogradOutput& tile) {
  Vector grid[kWinogradProducts];
  for (int i = 0; i < kWinogradProducts; ++i) {
    grid[i] = Load<Vector>(products + i * stride + channel);
  }
  Vector rows[kWinogradOut * kWinogradIn];
  for (int x = 0; x < kWinogradIn; ++x) GatherFour(grid + x, kWinogradIn, rows + x, kWinogradIn);
  const Vector added = Load<Vector>(bias + channel);
  for (int y = 0; y < kWinogradOut; ++y) {
    Vector results[kWinogradOut];
    GatherFour(rows + y * kWinogradIn, 1, results, 1);
    for (int x = 0; x < kWinogradOut; ++x) {
      Store(results[x] + added, tile.results[y * kWinogradOut + x] + channel);
    }
  }
}

// How many vectors a panel of weights is wide, and how many tiles are multiplied with it at a
// time: as many as there are registers for, where a vector of each tile's factors and the panel's
// own take some of them, too.
inline constexpr int kPanelVectors = 2;
template <typename Vector>
inline constexpr int kTilesAtOnce = sizeof(Vector) >= 64 ? 12 : 6;

template <typename Vector, bool fetches_next>
void MultiplyTiles(const float* factors, std::int64_t in, const float* panel, float* products,
                   std::int64_t stride) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  constexpr int kTiles = kTilesAtOnce<Vector>;
  Vector sums[kTiles][kPanelVectors] = {};
  for (std::int64_t c = 0; c < in; ++c) {
    const float* const row = panel + c * kPanelVectors * kLanes;
    if constexpr (fetches_next) __builtin_prefetch(row + in * kPanelVectors * kLanes);
    const auto first = Load<Vector>(row);
    const auto second = Load<Vector>(row + kLanes);
    for (int tile = 0; tile < kTiles; ++tile) {
      const float factor = factors[tile * in + c];
      sums[tile][0] += factor * first;
      sums[tile][1] += factor * second;
    }
  }
  for (int tile = 0; tile < kTiles; ++tile) {
    Store(sums[tile][0], products + tile * stride);
    Store(sums[tile][1], products + tile * stride + kLanes);
  }
}

// Weights come from far away: while the first tiles use a panel, the next one, which follows it
// in memory, is on its way.
template <typename Vector>
void MultiplyPanel(const float* factors, std::int64_t tiles, std::int64_t in, const float* panel,
                   float* products, std::int64_t stride) {
  constexpr int kTiles = kTilesAtOnce<Vector>;
  MultiplyTiles<Vector, true>(factors, in, panel, products, stride);
  for (std::int64_t tile = kTiles; tile < tiles; tile += kTiles) {
    MultiplyTiles<Vector, false>(factors + tile * in, in, panel, products + tile * stride, stride);
  }
}

template <typename Vector>
void TransformTile(const WinogradInput& tile, std::int64_t channels, float* factors,
                   std::int64_t stride) {
  ForEachVector<Vector>(channels, [&]<typename Lanes>(std::int64_t channel) {
    TransformChannels<Lanes>(tile, channel, factors, stride);
  });
}

template <typename Vector>
void GatherTile(const float* products, std::int64_t stride, const float* bias,
                std::int64_t channels, const WinogradOutput& tile) {
  ForEachVector<Vector>(channels, [&]<typename Lanes>(std::int64_t channel) {
    GatherChannels<Lanes>(products, stride, bias, channel, tile);
  });
}

}  // namespace
}  // namespace upscaler
