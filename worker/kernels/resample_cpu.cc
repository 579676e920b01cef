#include "worker/kernels/resample_cpu.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "worker/kernels/resample.h"

namespace upscaler {
namespace {

// A thread is worth waking for about this many numbers.
constexpr std::int64_t kNumbersPerTask = 32768;

// One picture of a batch, [H, W, C] in memory.
struct Picture {
  const float* data = nullptr;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;

  // The number of floats in a row.
  std::int64_t pitch() const { return width * channels; }
  const float* Row(std::int64_t y) const { return data + Reflected(y, height) * pitch(); }

  // The index that a position just outside [0, n) stands for: -1 is 1, n is n - 2.
  static std::int64_t Reflected(std::int64_t index, std::int64_t n) {
    if (index < 0) return -index;
    if (index >= n) return 2 * (n - 1) - index;
    return index;
  }
};

// out[i] = (a[i] + 3 b[i] + 3 c[i] + d[i]) / 8
void Halve(const float* a, const float* b, const float* c, const float* d, std::int64_t n,
           float* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    out[i] = 0.125F * (a[i] + d[i]) + 0.375F * (b[i] + c[i]);
  }
}

// out[i] = (3 nearest[i] + next[i]) / 4
void Mix(const float* nearest, const float* next, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = 0.75F * nearest[i] + 0.25F * next[i];
}

// Computes row `y` of the halved picture: `out` [W / 2, C], with `line` [W, C] for
// what lies between.
void HalvedRow(const Picture& in, std::int64_t y, float* line, float* out) {
  Halve(in.Row(2 * y - 1), in.Row(2 * y), in.Row(2 * y + 1), in.Row(2 * y + 2), in.pitch(), line);
  const auto sample = [&](std::int64_t x) {
    return line + Picture::Reflected(x, in.width) * in.channels;
  };
  for (std::int64_t x = 0; x < in.width / 2; ++x) {
    Halve(sample(2 * x - 1), sample(2 * x), sample(2 * x + 1), sample(2 * x + 2), in.channels,
          out + x * in.channels);
  }
}

// Computes row `y` of the doubled picture: `out` [2 * W, C], with `line` [W, C] for
// what lies between. Each new sample lies a quarter of the way from its nearest old
// one to the next.
void DoubledRow(const Picture& in, std::int64_t y, float* line, float* out) {
  Mix(in.Row(y / 2), in.Row(y / 2 + (y % 2 == 0 ? -1 : 1)), in.pitch(), line);
  const auto sample = [&](std::int64_t x) {
    return line + Picture::Reflected(x, in.width) * in.channels;
  };
  for (std::int64_t x = 0; x < in.width; ++x) {
    Mix(sample(x), sample(x - 1), in.channels, out + 2 * x * in.channels);
    Mix(sample(x), sample(x + 1), in.channels, out + (2 * x + 1) * in.channels);
  }
}

bool HasClosedForm(const at::Tensor& features) {
  return features.dim() == 4 && features.scalar_type() == at::kFloat &&
         features.is_contiguous(at::MemoryFormat::ChannelsLast) && features.size(2) >= 2 &&
         features.size(3) >= 2;
}

// The result, of the size [height, width], computed row by row with `compute_row`.
template <typename ComputeRow>
at::Tensor RowByRow(const at::Tensor& features, std::int64_t height, std::int64_t width,
                    ComputeRow compute_row) {
  const std::int64_t channels = features.size(1);
  const auto result = at::empty({features.size(0), channels, height, width}, features.options(),
                                at::MemoryFormat::ChannelsLast);
  const Picture first{.data = features.const_data_ptr<float>(),
                      .height = features.size(2),
                      .width = features.size(3),
                      .channels = channels};
  auto* out = result.mutable_data_ptr<float>();

  const std::int64_t rows_per_task = kNumbersPerTask / (width * channels) + 1;
  at::parallel_for(
      0, features.size(0) * height, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> line(static_cast<std::size_t>(first.pitch()));
        for (std::int64_t row = begin; row < end; ++row) {
          Picture picture = first;
          picture.data += row / height * first.height * first.pitch();
          compute_row(picture, row % height, line.data(), out + row * width * channels);
        }
      });
  return result;
}

}  // namespace

at::Tensor CpuDownsample2x(const at::Tensor& features) {
  if (!HasClosedForm(features)) return PlainDownsample2x(features);
  return RowByRow(features, features.size(2) / 2, features.size(3) / 2, HalvedRow);
}

at::Tensor CpuUpsample2x(const at::Tensor& features) {
  if (!HasClosedForm(features)) return PlainUpsample2x(features);
  return RowByRow(features, 2 * features.size(2), 2 * features.size(3), DoubledRow);
}

}  // namespace upscaler
