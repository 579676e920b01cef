// The resampling of resample.h in closed form, for CPUs.
//
// The 4x4 kernel is the product of two of length 4, so rows are combined first and
// then the samples along the row: a handful of multiplications each, and no padded
// copy. With the channels last, which is how the networks keep their features,
// every loop runs over memory in order.

#pragma once

#include <ATen/core/Tensor.h>

namespace upscaler {

// As Downsample2x and Upsample2x, for CPU tensors. Other types than float and other
// layouts than channels last are left to the plain twins.
at::Tensor CpuDownsample2x(const at::Tensor& features);
at::Tensor CpuUpsample2x(const at::Tensor& features);

}  // namespace upscaler
