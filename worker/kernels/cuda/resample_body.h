// What the threads of the resampling kernels do: the closed form of resample.h, as on CPUs
// (resample_cpu.h), each thread for kWidth channels of one sample of the result.
//
// Features lie with the channels last: [pictures, height, width, channels]. Neighbouring threads
// take neighbouring channels, so what they read lies together, and what several read comes from
// the multiprocessor's cache.

#pragma once

#include <cstdint>

#include "worker/kernels/cuda/host_device.h"

namespace upscaler {

inline constexpr int kResampleThreads = 256;

// The index that a position just outside [0, n) stands for: -1 is 1, n is n - 2.
UPSCALER_HOST_DEVICE constexpr int Reflected(int index, int n) {
  if (index < 0) return -index;
  if (index >= n) return 2 * (n - 1) - index;
  return index;
}

// The features' sizes.
struct ResampleSizes {
  int pictures = 0;
  int height = 0;  // At least 2, and so is the width.
  int width = 0;
  int channels = 0;
};

// Blocks for a result of `height` times `width` samples.
template <int kWidth>
constexpr GridSize ResampleGrid(const ResampleSizes& sizes, int height, int width) {
  const std::int64_t vectors = std::int64_t{width} * (sizes.channels / kWidth);
  return {.x = static_cast<unsigned>(Quotient(vectors, kResampleThreads)),
          .y = static_cast<unsigned>(height),
          .z = static_cast<unsigned>(sizes.pictures)};
}

// Some channels of one row of a picture.
template <typename T, int kWidth>
struct ResampleRow {
  const T* first;
  int width;
  int channels;

  UPSCALER_HOST_DEVICE ResampleRow(const T* features, const ResampleSizes& sizes, unsigned picture,
                                   int y, int channel)
      : first(features +
              (std::int64_t{picture} * sizes.height + Reflected(y, sizes.height)) * sizes.width *
                  sizes.channels +
              channel),
        width(sizes.width),
        channels(sizes.channels) {}

  // sums += weight * the sample at x, which may lie just outside.
  UPSCALER_HOST_DEVICE void AddTo(float (&sums)[kWidth], int x, float weight) const {
    const auto numbers = Load<kWidth>(first + std::int64_t{Reflected(x, width)} * channels);
    for (int i = 0; i < kWidth; ++i) sums[i] += weight * static_cast<float>(numbers.of[i]);
  }
};

template <typename T, int kWidth>
UPSCALER_HOST_DEVICE void StoreRounded(const float (&sums)[kWidth], T* to) {
  Numbers<T, kWidth> rounded;
  for (int i = 0; i < kWidth; ++i) rounded.of[i] = static_cast<T>(sums[i]);
  Store(rounded, to);
}

// features -> half the sides, rounded down: (a + 3 b + 3 c + d) / 8 both ways.
template <typename T, int kWidth>
struct Halving {
  ResampleSizes sizes;
  const T* features;
  T* results;

  UPSCALER_HOST_DEVICE int height() const { return sizes.height / 2; }
  UPSCALER_HOST_DEVICE int width() const { return sizes.width / 2; }

  UPSCALER_HOST_DEVICE void Compute(const GridIndex& block, int thread) const {
    const int vectors = sizes.channels / kWidth;
    const int i = static_cast<int>(block.x) * kResampleThreads + thread;
    if (i >= width() * vectors) return;
    const int x = i / vectors;
    const int y = static_cast<int>(block.y);
    const int channel = i % vectors * kWidth;
    constexpr float kWeights[4] = {0.125F, 0.375F, 0.375F, 0.125F};
    float sums[kWidth] = {};
    for (int row = 0; row < 4; ++row) {
      const ResampleRow<T, kWidth> of_row(features, sizes, block.z, 2 * y - 1 + row, channel);
      for (int column = 0; column < 4; ++column) {
        of_row.AddTo(sums, 2 * x - 1 + column, kWeights[row] * kWeights[column]);
      }
    }
    const std::int64_t pixel = (std::int64_t{block.z} * height() + y) * width() + x;
    StoreRounded(sums, results + pixel * sizes.channels + channel);
  }
};

// features -> twice the sides: each new sample lies a quarter of the way from its nearest old one
// to the next, both ways.
template <typename T, int kWidth>
struct Doubling {
  ResampleSizes sizes;
  const T* features;
  T* results;

  UPSCALER_HOST_DEVICE int height() const { return 2 * sizes.height; }
  UPSCALER_HOST_DEVICE int width() const { return 2 * sizes.width; }

  UPSCALER_HOST_DEVICE void Compute(const GridIndex& block, int thread) const {
    const int vectors = sizes.channels / kWidth;
    const int i = static_cast<int>(block.x) * kResampleThreads + thread;
    if (i >= width() * vectors) return;
    const int x = i / vectors;
    const int y = static_cast<int>(block.y);
    const int channel = i % vectors * kWidth;
    const int next_x = x % 2 == 0 ? x / 2 - 1 : x / 2 + 1;
    const int next_y = y % 2 == 0 ? y / 2 - 1 : y / 2 + 1;
    const ResampleRow<T, kWidth> nearest(features, sizes, block.z, y / 2, channel);
    const ResampleRow<T, kWidth> next(features, sizes, block.z, next_y, channel);
    float sums[kWidth] = {};
    nearest.AddTo(sums, x / 2, 0.5625F);
    nearest.AddTo(sums, next_x, 0.1875F);
    next.AddTo(sums, x / 2, 0.1875F);
    next.AddTo(sums, next_x, 0.0625F);
    const std::int64_t pixel = (std::int64_t{block.z} * height() + y) * width() + x;
    StoreRounded(sums, results + pixel * sizes.channels + channel);
  }
};

}  // namespace upscaler
