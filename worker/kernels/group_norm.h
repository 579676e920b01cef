// Group normalization together with what follows it in these networks: a scale and a shift, and an
// activation. By themselves they would read and write all features some ten times.
//
// An operator of the PyTorch dispatcher, upscaler::group_norm_activation, so that each device can
// have an implementation of its own.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/kernels/machine_loops.h"

namespace upscaler {

// activation(normalized features * scale + shift)
//
// features [B, C, H, W] are normalized over each of `groups` groups of neighbouring channels, as
// at::group_norm does it. scale and shift [B, C], or [1, C] for all alike, of the features' type.
// Returns the same shape. Throws c10::Error where shapes or types do not fit.
at::Tensor GroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                               const at::Tensor& scale, const at::Tensor& shift,
                               Activation activation);

// The same in plain ATen, on every device and in every layout and type.
at::Tensor PlainGroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                                    const at::Tensor& scale, const at::Tensor& shift,
                                    Activation activation);

// Throws c10::Error unless these are what GroupNormActivation takes.
void CheckGroupNorm(const at::Tensor& features, std::int64_t groups, const at::Tensor& scale,
                    const at::Tensor& shift);

// As GroupNormActivation, for features of float with the channels last on the CPU.
at::Tensor CpuGroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                                  const at::Tensor& scale, const at::Tensor& shift,
                                  Activation activation, const MachineLoops& loops);

// `features` after the activation, in their own memory. In plain ATen, on every device.
at::Tensor ActivateInPlace(at::Tensor features, Activation activation);

}  // namespace upscaler
