// The inner loops of our kernels, compiled once for each instruction set.
//
// A compiler may use AVX-512 only in files that say so, and a program that is to run anywhere
// must not: so the loops are in files of their own (loops_avx2.cc and its like), which differ in
// their flags and in the width of their vectors, and the machine is asked when the program runs.

#pragma once

#include <cstdint>
#include <span>

namespace upscaler {

// Winograd's convolution works on a tile at a time: 6x6 samples of the input make 4x4 of the
// output, by 36 products that stand for the 4x4x9 of a plain convolution.
inline constexpr int kWinogradIn = 6;
inline constexpr int kWinogradOut = 4;
inline constexpr int kWinogradProducts = kWinogradIn * kWinogradIn;

// Where the samples are, row by row: at each the channels, one after the other. Zeros where
// the tile reaches beyond the picture.
struct WinogradInput {
  const float* samples[kWinogradProducts];
};

// Where the results go, likewise: to be thrown away where the tile reaches beyond the picture.
struct WinogradOutput {
  float* results[kWinogradOut * kWinogradOut];
};

enum class Activation { kNone, kGelu, kSilu };

struct MachineLoops {
  const char* instructions;

  // A tile's factors, for product i at factors + i * stride: [channels].
  void (*winograd_transform)(const WinogradInput& tile, std::int64_t channels, float* factors,
                             std::int64_t stride);
  // The products of one panel of weights, summed over the channels of the input:
  // products[tile * stride + column] = sum over c of factors[tile * in + c] * panel[c][column].
  // `tiles` is a multiple of winograd_rows, a panel has winograd_columns.
  void (*winograd_multiply)(const float* factors, std::int64_t tiles, std::int64_t in,
                            const float* panel, float* products, std::int64_t stride);
  std::int64_t winograd_rows;
  std::int64_t winograd_columns;
  // The results of a tile, from the sums of its products, which lie likewise; `bias` [channels].
  void (*winograd_gather)(const float* products, std::int64_t stride, const float* bias,
                          std::int64_t channels, const WinogradOutput& tile);

  // Adds what each channel of `features` [pixels, channels] is above `pivot` [channels] to
  // `sums`, and the squares of that to `squares`, both [channels].
  void (*add_moments)(const float* features, std::int64_t pixels, std::int64_t channels,
                      const float* pivot, float* sums, float* squares);
  // out = activation(features * factor + offset), features and out [pixels, channels], factor
  // and offset [channels].
  void (*activate)(const float* features, std::int64_t pixels, std::int64_t channels,
                   const float* factor, const float* offset, Activation activation, float* out);
};

// Those that this machine can run, the fastest ones last; at least one.
std::span<const MachineLoops* const> UsableLoops();

// The fastest ones.
inline const MachineLoops& BestLoops() { return *UsableLoops().back(); }

}  // namespace upscaler
