// 3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3).
//
// A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015
// (arXiv:1509.09308). Tiles of 6x6 samples are brought into a form in which the convolution is
// 36 products a channel where it would be 144; the products of all tiles and channels are 36
// matrix products. Nothing is approximated, but the numbers grow on the way, so that it is
// rounded two or three times as much as by the plain sum: 1e-6 of a result.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/kernels/machine_loops.h"

namespace upscaler {

// What WinogradConv3x3 takes for a weight [out, in, 3, 3] of float, with the same loops: some four
// times as large. [36, panels, in, columns of a panel]
at::Tensor TransformConv3x3Weight(const at::Tensor& weight,
                                  const MachineLoops& loops = BestLoops());

// features [B, in, H, W] of float on the CPU, padded by a sample of zeros all around
// -> [B, out, H, W], with the channels last in memory. `weight` is a transformed one, `bias`
// [out]. Throws c10::Error where shapes or types do not fit.
at::Tensor WinogradConv3x3(const at::Tensor& features, const at::Tensor& weight,
                           const at::Tensor& bias, const MachineLoops& loops = BestLoops());

// About how many floats WinogradConv3x3 takes beside its arguments and its result, for so many
// samples of all pictures together.
std::int64_t WinogradWorkspace(std::int64_t in, std::int64_t out, std::int64_t samples);

// Whether that is the faster way to convolve pictures of these sides.
bool PaysWinograd(std::int64_t in, std::int64_t out, std::int64_t height, std::int64_t width);

}  // namespace upscaler
