// upscaler::group_norm_activation on CUDA devices.

#include <cstdint>
#include <optional>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "worker/kernels/cuda/launch_tensors.h"
#include "worker/kernels/cuda/norm_plan.h"
#include "worker/kernels/group_norm.h"

namespace upscaler {
namespace {

NormSizes SizesOf(const at::Tensor& features, std::int64_t groups, bool wide) {
  return {.pictures = features.size(0),
          .pixels = features.size(2) * features.size(3),
          .channels = features.size(1),
          .groups = groups,
          .width = wide ? static_cast<int>(16 / features.element_size()) : 1};
}

// Whether a tensor of scales or shifts goes with the features.
bool Fits(const at::Tensor& rows, const at::Tensor& features) {
  return rows.scalar_type() == features.scalar_type() && rows.device() == features.device();
}

// [B, C] or [1, C] with each row's numbers one after the other: without a copy if they are,
// however far the rows are apart.
at::Tensor WithDenseRows(const at::Tensor& rows) {
  return rows.stride(1) == 1 ? rows : rows.contiguous();
}

std::int64_t RowStride(const at::Tensor& rows) { return rows.size(0) == 1 ? 0 : rows.stride(0); }

at::Tensor OnCuda(const at::Tensor& features, std::int64_t groups, double eps,
                  const at::Tensor& scale, const at::Tensor& shift, std::int64_t activation) {
  CheckGroupNorm(features, groups, scale, shift);
  const bool wide = HasPixelKernels(features) && CanBeWide(features);
  const NormSizes sizes = SizesOf(features, groups, wide);
  if (!HasPixelKernels(features) || !Fits(scale, features) || !Fits(shift, features) ||
      !HasNormPlan(sizes)) {
    return PlainGroupNormActivation(features, groups, eps, scale, shift,
                                    static_cast<Activation>(activation));
  }
  const c10::cuda::CUDAGuard guard(features.device());
  const NormPlan plan = PlanNorm(sizes);
  const at::Tensor scales = WithDenseRows(scale);
  const at::Tensor shifts = WithDenseRows(shift);
  const auto floats = features.options().dtype(at::kFloat).memory_format(std::nullopt);
  const at::Tensor moments = at::empty({plan.MomentsSize()}, floats);
  const at::Tensor affine = at::empty({plan.AffineSize()}, floats);
  at::Tensor results = at::empty_like(features);
  LaunchOrThrow(GroupNormLaunch{.type = NumberTypeOf(features),
                                .wide = wide,
                                .plan = plan,
                                .features = features.const_data_ptr(),
                                .scale = scales.const_data_ptr(),
                                .shift = shifts.const_data_ptr(),
                                .scale_row = RowStride(scales),
                                .shift_row = RowStride(shifts),
                                .eps = eps,
                                .activation = static_cast<Activation>(activation),
                                .moments = moments.mutable_data_ptr<float>(),
                                .affine = affine.mutable_data_ptr<float>(),
                                .results = results.mutable_data_ptr()});
  return results;
}

}  // namespace
}  // namespace upscaler

TORCH_LIBRARY_IMPL(upscaler, CUDA, library) {
  library.impl("group_norm_activation", &upscaler::OnCuda);
}
