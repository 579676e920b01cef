#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>

#include "worker/kernels/group_norm.h"

namespace upscaler {
namespace {

// A thread is worth waking for about this many numbers.
constexpr std::int64_t kNumbersPerTask = 32768;
// So many are added up in float before their sum goes on in double.
constexpr std::int64_t kPixelsInSum = 256;

// What a channel of one picture adds up to, above its pivot.
struct Moments {
  double sum = 0;
  double squares = 0;
};

// Of the first pixel: what is near to all of a channel's numbers keeps their squares small.
std::vector<Moments> MeasureChannels(const float* picture, std::int64_t pixels,
                                     std::int64_t channels, const MachineLoops& loops) {
  const auto count = static_cast<std::size_t>(channels);
  const std::int64_t blocks = (pixels + kPixelsInSum - 1) / kPixelsInSum;
  std::vector<float> sums(count * static_cast<std::size_t>(2 * blocks));
  at::parallel_for(0, blocks, kNumbersPerTask / (kPixelsInSum * channels) + 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t block = begin; block < end; ++block) {
                       const std::int64_t first = block * kPixelsInSum;
                       float* const of_block = sums.data() + 2 * block * channels;
                       loops.add_moments(picture + first * channels,
                                         std::min(kPixelsInSum, pixels - first), channels,
                                         /*pivot=*/picture, of_block, of_block + channels);
                     }
                   });
  std::vector<Moments> moments(count);
  for (std::int64_t block = 0; block < blocks; ++block) {
    const float* const of_block = sums.data() + 2 * block * channels;
    for (std::size_t channel = 0; channel < count; ++channel) {
      moments[channel].sum += of_block[channel];
      moments[channel].squares += of_block[channel + count];
    }
  }
  return moments;
}

// What takes each channel of one picture to its result: result = feature * factor + offset.
struct Affine {
  std::vector<float> factor;
  std::vector<float> offset;
};

Affine AffineOf(const std::vector<Moments>& moments, const float* pivot, double pixels,
                std::size_t groups, double eps, const float* scale, const float* shift) {
  const std::size_t channels = moments.size();
  const std::size_t in_group = channels / groups;
  Affine affine{.factor = std::vector<float>(channels), .offset = std::vector<float>(channels)};
  for (std::size_t first = 0; first < channels; first += in_group) {
    double mean = 0;
    for (std::size_t c = first; c < first + in_group; ++c) {
      mean += (pivot[c] + moments[c].sum / pixels) / static_cast<double>(in_group);
    }
    double variance = 0;
    for (std::size_t c = first; c < first + in_group; ++c) {
      // About the pivot, then about the mean.
      const double off = mean - pivot[c];
      variance += (moments[c].squares - 2 * off * moments[c].sum + off * off * pixels) /
                  (pixels * static_cast<double>(in_group));
    }
    const double inverse = 1 / std::sqrt(std::max(variance, 0.0) + eps);
    for (std::size_t c = first; c < first + in_group; ++c) {
      affine.factor[c] = static_cast<float>(inverse * scale[c]);
      affine.offset[c] = static_cast<float>(shift[c] - mean * inverse * scale[c]);
    }
  }
  return affine;
}

}  // namespace

at::Tensor CpuGroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                                  const at::Tensor& scale, const at::Tensor& shift,
                                  Activation activation, const MachineLoops& loops) {
  const std::int64_t channels = features.size(1);
  const std::int64_t pixels = features.size(2) * features.size(3);
  const at::Tensor scales = scale.contiguous();
  const at::Tensor shifts = shift.contiguous();
  const at::Tensor result = at::empty_like(features);
  for (std::int64_t i = 0; i < features.size(0); ++i) {
    const float* const picture = features.const_data_ptr<float>() + i * pixels * channels;
    float* const to = result.mutable_data_ptr<float>() + i * pixels * channels;
    const std::int64_t row = scale.size(0) == 1 ? 0 : i;
    const Affine affine = AffineOf(MeasureChannels(picture, pixels, channels, loops), picture,
                                   static_cast<double>(pixels), static_cast<std::size_t>(groups),
                                   eps, scales.const_data_ptr<float>() + row * channels,
                                   shifts.const_data_ptr<float>() + row * channels);
    at::parallel_for(
        0, pixels, kNumbersPerTask / channels + 1, [&](std::int64_t begin, std::int64_t end) {
          loops.activate(picture + begin * channels, end - begin, channels, affine.factor.data(),
                         affine.offset.data(), activation, to + begin * channels);
        });
  }
  return result;
}

}  // namespace upscaler
