// What the threads of group normalization's three kernels do; see norm_plan.h.
//
// Features lie with the channels last: [pictures, pixels, channels]. Each struct is what a kernel
// is started with. Where its threads wait for one another, its work is in several methods, each of
// which all threads of a block end before one begins the next.

#pragma once

#include <cmath>
#include <cstdint>

#include "worker/kernels/cuda/host_device.h"
#include "worker/kernels/cuda/norm_plan.h"
#include "worker/kernels/machine_loops.h"

namespace upscaler {

// What each channel adds up to in each chunk of a picture: of the numbers, taken above the
// channel's first one, and of their squares. The first number, its pivot, is near to all others,
// so little is lost when the squares of the sums are subtracted from the sums of squares.
template <typename T, int kWidth>
struct NormMeasure {
  // Floats that the threads of a block share.
  static constexpr int kShared = 2 * kWidth * kNormThreads;

  NormPlan plan;
  const T* features;
  float* moments;  // [pictures, chunks, 2, channels]

  UPSCALER_HOST_DEVICE void Add(const GridIndex& block, int thread, float* shared) const {
    const int vector = static_cast<int>(block.x) * plan.lanes + thread % plan.lanes;
    const int row = thread / plan.lanes;
    float sums[2 * kWidth] = {};
    if (row < plan.rows && vector < plan.vectors) {
      const T* const picture =
          features + block.z * plan.pixels * plan.channels + std::int64_t{vector} * kWidth;
      const auto pivot = Load<kWidth>(picture);
      const std::int64_t begin = block.y * plan.pixels_in_chunk;
      const std::int64_t behind = begin + plan.pixels_in_chunk;
      const std::int64_t end = behind < plan.pixels ? behind : plan.pixels;
      for (std::int64_t pixel = begin + row; pixel < end; pixel += plan.rows) {
        const auto numbers = Load<kWidth>(picture + pixel * plan.channels);
        for (int i = 0; i < kWidth; ++i) {
          const float above = static_cast<float>(numbers.of[i]) - static_cast<float>(pivot.of[i]);
          sums[i] += above;
          sums[kWidth + i] += above * above;
        }
      }
    }
    for (int i = 0; i < 2 * kWidth; ++i) shared[i * kNormThreads + thread] = sums[i];
  }

  UPSCALER_HOST_DEVICE void Write(const GridIndex& block, int thread, const float* shared) const {
    float* const of_chunk =
        moments + (std::int64_t{block.z} * plan.chunks + block.y) * 2 * plan.channels;
    for (int i = thread; i < 2 * kWidth * plan.lanes; i += kNormThreads) {
      const int lane = i % plan.lanes;
      const int moment = i / plan.lanes;  // The sums' kWidth channels, then the squares'.
      const int vector = static_cast<int>(block.x) * plan.lanes + lane;
      if (vector >= plan.vectors) continue;
      float sum = 0;
      for (int row = 0; row < plan.rows; ++row) {
        sum += shared[moment * kNormThreads + row * plan.lanes + lane];
      }
      of_chunk[moment / kWidth * plan.channels + vector * kWidth + moment % kWidth] = sum;
    }
  }
};

// From the moments to what takes each channel of each picture to its result:
// result = feature * factor + offset. In double: it is little work, and nothing is lost.
template <typename T>
struct NormSettle {
  // Doubles that the threads of a block share.
  static constexpr int kShared = 2 * kSettleThreads;

  NormPlan plan;
  const T* features;
  const float* moments;  // [pictures, chunks, 2, channels]
  const T* scale;        // Each row [channels].
  const T* shift;
  std::int64_t scale_row;  // From one picture's row to the next one's; 0 if all have the same.
  std::int64_t shift_row;
  double eps;
  float* affine;  // [pictures, 2, channels]: the factors, and then the offsets.

  // Adds up a part of a group's numbers, taken above its first channel's pivot, and of their
  // squares.
  UPSCALER_HOST_DEVICE void Add(const GridIndex& block, int thread, double* shared) const {
    const int in_group = plan.channels / plan.groups;
    const int first = static_cast<int>(block.x) * in_group;
    const T* const pivots = features + block.y * plan.pixels * plan.channels;
    double sum = 0;
    double squares = 0;
    const std::int64_t all = std::int64_t{plan.chunks} * in_group;
    for (std::int64_t i = thread; i < all; i += kSettleThreads) {
      const std::int64_t chunk = i / in_group;
      const int channel = first + static_cast<int>(i % in_group);
      const float* const of_chunk =
          moments + (block.y * std::int64_t{plan.chunks} + chunk) * 2 * plan.channels;
      const std::int64_t left = plan.pixels - chunk * plan.pixels_in_chunk;
      const auto pixels =
          static_cast<double>(left < plan.pixels_in_chunk ? left : plan.pixels_in_chunk);
      const double own = of_chunk[channel];
      const double apart = static_cast<double>(static_cast<float>(pivots[channel])) -
                           static_cast<double>(static_cast<float>(pivots[first]));
      sum += own + pixels * apart;
      squares += of_chunk[plan.channels + channel] + 2 * apart * own + pixels * apart * apart;
    }
    shared[thread] = sum;
    shared[kSettleThreads + thread] = squares;
  }

  // Adds the upper half of what 2 * `half` threads have to the lower: for half of
  // kSettleThreads, then for half of that, and so on, down to 1.
  UPSCALER_HOST_DEVICE void Fold(int half, int thread, double* shared) const {
    if (thread >= half) return;
    shared[thread] += shared[thread + half];
    shared[kSettleThreads + thread] += shared[kSettleThreads + thread + half];
  }

  UPSCALER_HOST_DEVICE void Write(const GridIndex& block, int thread, const double* shared) const {
    const int in_group = plan.channels / plan.groups;
    const int first = static_cast<int>(block.x) * in_group;
    const T pivot = features[block.y * plan.pixels * plan.channels + first];
    const double count = static_cast<double>(plan.pixels) * in_group;
    const double above = shared[0] / count;
    const double mean = static_cast<double>(static_cast<float>(pivot)) + above;
    const double spread = shared[kSettleThreads] / count - above * above;
    // Written so that what is not a number stays so.
    const double variance = spread < 0 ? 0 : spread;
    const double inverse = 1 / std::sqrt(variance + eps);
    float* const of_picture = affine + std::int64_t{block.y} * 2 * plan.channels;
    for (int channel = first + thread; channel < first + in_group; channel += kSettleThreads) {
      const double factor =
          inverse * static_cast<double>(static_cast<float>(scale[block.y * scale_row + channel]));
      const auto offset =
          static_cast<double>(static_cast<float>(shift[block.y * shift_row + channel]));
      of_picture[channel] = static_cast<float>(factor);
      of_picture[plan.channels + channel] = static_cast<float>(offset - mean * factor);
    }
  }
};

// The activations as ATen has them: the exact GELU, x times the normal distribution's share below
// x, and SiLU, x / (1 + exp(-x)).
template <Activation kActivation>
UPSCALER_HOST_DEVICE float Activated(float x) {
  if constexpr (kActivation == Activation::kGelu) {
    constexpr float kSqrtOfHalf = 0.70710678118654752F;
    return 0.5F * x * (1.0F + std::erf(x * kSqrtOfHalf));
  } else if constexpr (kActivation == Activation::kSilu) {
    return x / (1.0F + std::exp(-x));
  } else {
    return x;
  }
}

// results = activation(features * factor + offset), rounded once.
template <typename T, int kWidth, Activation kActivation>
struct NormApply {
  NormPlan plan;
  const T* features;
  const float* affine;  // [pictures, 2, channels]
  T* results;

  UPSCALER_HOST_DEVICE void Apply(const GridIndex& block, int thread) const {
    const float* const of_picture = affine + std::int64_t{block.y} * 2 * plan.channels;
    const std::int64_t picture = block.y * plan.pixels * plan.channels;
    // Of 32 bits, since they are divided; see HasNormPlan.
    const auto all = static_cast<unsigned>(plan.pixels * plan.vectors);
    const auto vectors = static_cast<unsigned>(plan.vectors);
    for (int item = 0; item < kNormItems; ++item) {
      const unsigned i = (block.x * kNormItems + static_cast<unsigned>(item)) * kNormThreads +
                         static_cast<unsigned>(thread);
      if (i >= all) return;
      const unsigned channel = i % vectors * kWidth;
      const auto factor = Load<kWidth>(of_picture + channel);
      const auto offset = Load<kWidth>(of_picture + plan.channels + channel);
      auto numbers = Load<kWidth>(features + picture + std::int64_t{i} * kWidth);
      for (int k = 0; k < kWidth; ++k) {
        const float x = static_cast<float>(numbers.of[k]) * factor.of[k] + offset.of[k];
        numbers.of[k] = static_cast<T>(Activated<kActivation>(x));
      }
      Store(numbers, results + picture + std::int64_t{i} * kWidth);
    }
  }
};

}  // namespace upscaler
