// The kernels of this room, as ordinary functions.
//
// nvcc compiles what is behind them, which knows no tensor: so it never sees LibTorch's headers,
// and what knows tensors is compiled like everything else. Pointers are the device's. Everything
// is started on `stream` of the device that is current, and nothing is waited for; whether a start
// failed is in cudaGetLastError().

#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include "worker/kernels/cuda/guided_step_body.h"
#include "worker/kernels/cuda/norm_plan.h"
#include "worker/kernels/cuda/resample_body.h"
#include "worker/kernels/machine_loops.h"

namespace upscaler {

// Of a tensor whose address is not in its type.
enum class NumberType { kFloat, kHalf, kBfloat16 };

// See NormMeasure, NormSettle and NormApply for what lies where. All pointers but those to floats
// are to numbers of `type`.
struct GroupNormLaunch {
  NumberType type = NumberType::kFloat;
  bool wide = false;  // Threads take kWidest channels at once and not one, as the plan has it.
  NormPlan plan;
  const void* features = nullptr;
  const void* scale = nullptr;
  const void* shift = nullptr;
  std::int64_t scale_row = 0;
  std::int64_t shift_row = 0;
  double eps = 0;
  Activation activation = Activation::kNone;
  float* moments = nullptr;
  float* affine = nullptr;
  void* results = nullptr;
};
void Launch(const GroupNormLaunch& launch, cudaStream_t stream);

struct ResampleLaunch {
  NumberType type = NumberType::kFloat;
  bool wide = false;  // See above.
  bool doubles = false;
  ResampleSizes sizes;
  const void* features = nullptr;
  void* results = nullptr;
};
void Launch(const ResampleLaunch& launch, cudaStream_t stream);

// See GuidedStepBody for what lies where.
struct GuidedStepLaunch {
  NumberType type = NumberType::kFloat;
  GuidedStepSizes sizes;
  const void* latents = nullptr;
  const void* output = nullptr;
  void* denoised = nullptr;
  void* next = nullptr;
};
void Launch(const GuidedStepLaunch& launch, cudaStream_t stream);

}  // namespace upscaler
