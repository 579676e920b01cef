// Halving and doubling a feature map, as the UNet does between its levels.
//
// Both filter each channel by itself with the kernel [1, 3, 3, 1] / 8 along both
// axes, the map being continued at its border by reflection (the edge itself is
// not repeated). They are operators of the PyTorch dispatcher,
// upscaler::downsample2x and upscaler::upsample2x, so that each device can have an
// implementation of its own under one name.

#pragma once

#include <ATen/core/Tensor.h>

namespace upscaler {

// features [B, C, H, W] -> [B, C, H / 2, W / 2], rounded down. Requires
// floating-point features with H and W of at least 2; throws c10::Error otherwise.
at::Tensor Downsample2x(const at::Tensor& features);

// features [B, C, H, W] -> [B, C, 2 * H, 2 * W]. Requires what Downsample2x does.
at::Tensor Upsample2x(const at::Tensor& features);

// The same in plain ATen: a padding and a depthwise convolution. They run on every
// device and in every layout, and say what the implementations must compute.
at::Tensor PlainDownsample2x(const at::Tensor& features);
at::Tensor PlainUpsample2x(const at::Tensor& features);

}  // namespace upscaler
