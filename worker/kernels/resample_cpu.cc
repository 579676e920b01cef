#include "worker/kernels/resample_cpu.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "worker/kernels/resample.h"

namespace upscaler {
namespace {

// Planes of about this many samples are worth a thread's while.
constexpr std::int64_t kSamplesPerTask = 32768;

struct Size {
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t area() const { return height * width; }
};

// The index that a position just outside [0, n) stands for: -1 is 1, n is n - 2.
std::int64_t Reflected(std::int64_t index, std::int64_t n) {
  if (index < 0) return -index;
  if (index >= n) return 2 * (n - 1) - index;
  return index;
}

float Weighted(float a, float b, float c, float d) { return 0.125F * (a + d) + 0.375F * (b + c); }

// in [H, W] -> out [H / 2, W / 2]; `line` has room for W samples.
void HalvePlane(const float* in, Size size, float* line, float* out) {
  const std::int64_t half_width = size.width / 2;
  for (std::int64_t y = 0; y < size.height / 2; ++y) {
    const float* above = in + Reflected(2 * y - 1, size.height) * size.width;
    const float* upper = in + 2 * y * size.width;
    const float* lower = in + (2 * y + 1) * size.width;
    const float* below = in + Reflected(2 * y + 2, size.height) * size.width;
    for (std::int64_t x = 0; x < size.width; ++x) {
      line[x] = Weighted(above[x], upper[x], lower[x], below[x]);
    }

    float* row = out + y * half_width;
    const std::int64_t last = half_width - 1;
    row[0] = Weighted(line[1], line[0], line[1], line[Reflected(2, size.width)]);
    for (std::int64_t x = 1; x < last; ++x) {
      row[x] = Weighted(line[2 * x - 1], line[2 * x], line[2 * x + 1], line[2 * x + 2]);
    }
    if (last > 0) {
      row[last] = Weighted(line[2 * last - 1], line[2 * last], line[2 * last + 1],
                           line[Reflected(2 * last + 2, size.width)]);
    }
  }
}

// in [H, W] -> out [2 * H, 2 * W]; `line` has room for W samples.
void DoublePlane(const float* in, Size size, float* line, float* out) {
  const std::int64_t last = size.width - 1;
  for (std::int64_t y = 0; y < 2 * size.height; ++y) {
    // Each new row lies a quarter of the way from its nearest row to the next.
    const float* nearest = in + y / 2 * size.width;
    const float* next = in + Reflected(y / 2 + (y % 2 == 0 ? -1 : 1), size.height) * size.width;
    for (std::int64_t x = 0; x < size.width; ++x) {
      line[x] = 0.75F * nearest[x] + 0.25F * next[x];
    }

    float* row = out + y * 2 * size.width;
    row[0] = 0.75F * line[0] + 0.25F * line[1];
    for (std::int64_t x = 0; x < last; ++x) {
      row[2 * x + 1] = 0.75F * line[x] + 0.25F * line[x + 1];
      row[2 * x + 2] = 0.75F * line[x + 1] + 0.25F * line[x];
    }
    row[2 * last + 1] = 0.75F * line[last] + 0.25F * line[last - 1];
  }
}

bool HasClosedForm(const at::Tensor& features) {
  return features.dim() == 4 && features.scalar_type() == at::kFloat && features.is_contiguous() &&
         features.size(2) >= 2 && features.size(3) >= 2;
}

// Runs `resample_plane` over every plane of `features`; the result's planes are of
// the size `out_size`.
template <typename ResamplePlane>
at::Tensor ForEachPlane(const at::Tensor& features, Size out_size, ResamplePlane resample_plane) {
  const Size size{.height = features.size(2), .width = features.size(3)};
  const auto result = at::empty(
      {features.size(0), features.size(1), out_size.height, out_size.width}, features.options());
  const float* in = features.const_data_ptr<float>();
  auto* out = result.mutable_data_ptr<float>();

  const std::int64_t planes = features.size(0) * features.size(1);
  const std::int64_t planes_per_task = kSamplesPerTask / size.area() + 1;
  at::parallel_for(0, planes, planes_per_task, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> line(static_cast<std::size_t>(size.width));
    for (std::int64_t plane = begin; plane < end; ++plane) {
      resample_plane(in + plane * size.area(), size, line.data(), out + plane * out_size.area());
    }
  });
  return result;
}

}  // namespace

at::Tensor CpuDownsample2x(const at::Tensor& features) {
  if (!HasClosedForm(features)) return PlainDownsample2x(features);
  const Size halved{.height = features.size(2) / 2, .width = features.size(3) / 2};
  return ForEachPlane(features, halved, HalvePlane);
}

at::Tensor CpuUpsample2x(const at::Tensor& features) {
  if (!HasClosedForm(features)) return PlainUpsample2x(features);
  const Size doubled{.height = 2 * features.size(2), .width = 2 * features.size(3)};
  return ForEachPlane(features, doubled, DoublePlane);
}

}  // namespace upscaler
