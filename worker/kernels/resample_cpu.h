// The resampling of resample.h in closed form, for CPUs.
//
// The 4x4 kernel is the product of two of length 4, so a row is filtered down and
// then along, with a handful of multiplications a sample and no padded copy.

#pragma once

#include <ATen/core/Tensor.h>

namespace upscaler {

// As Downsample2x and Upsample2x, for CPU tensors. Other types than float and other
// layouts than contiguous ones are left to the plain twins.
at::Tensor CpuDownsample2x(const at::Tensor& features);
at::Tensor CpuUpsample2x(const at::Tensor& features);

}  // namespace upscaler
