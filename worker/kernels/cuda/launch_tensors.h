// Between tensors and launches.h.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/Exception.h>

#include "worker/kernels/cuda/host_device.h"
#include "worker/kernels/cuda/launches.h"

namespace upscaler {

// Whether the kernels have the type of the tensor's numbers.
inline bool HasNumberType(const at::Tensor& tensor) {
  const at::ScalarType type = tensor.scalar_type();
  return type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
}

// Requires HasNumberType(tensor).
inline NumberType NumberTypeOf(const at::Tensor& tensor) {
  const at::ScalarType type = tensor.scalar_type();
  if (type == at::kHalf) return NumberType::kHalf;
  return type == at::kBFloat16 ? NumberType::kBfloat16 : NumberType::kFloat;
}

// Whether features [B, C, H, W] are such as the kernels that look at whole pixels take: of a type
// they have, on the GPU, with the channels last and with something in it.
inline bool HasPixelKernels(const at::Tensor& features) {
  return features.dim() == 4 && features.is_cuda() && HasNumberType(features) &&
         features.numel() > 0 && features.is_contiguous(at::MemoryFormat::ChannelsLast);
}

// Whether a thread may take kWidest neighbouring channels of such features at once. A view can
// begin anywhere.
inline bool CanBeWide(const at::Tensor& features) {
  constexpr std::uintptr_t kAlignment = 16;
  const std::int64_t widest = static_cast<std::int64_t>(kAlignment) / features.element_size();
  return features.size(1) % widest == 0 &&
         reinterpret_cast<std::uintptr_t>(features.const_data_ptr()) % kAlignment == 0;
}

// Starts it on the current stream of the current device. Throws c10::Error if that fails.
template <typename Kernels>
void LaunchOrThrow(const Kernels& kernels) {
  Launch(kernels, c10::cuda::getCurrentCUDAStream());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace upscaler
