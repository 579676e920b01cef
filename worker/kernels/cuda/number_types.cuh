// From the type of a tensor's numbers, known when the program runs, to code for that type.

#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "worker/kernels/cuda/host_device.h"
#include "worker/kernels/cuda/launches.h"

namespace upscaler {

// Calls `launch` with a T and a kWidth: launch.template operator()<T, kWidth>().
template <typename Launcher>
void ForNumbers(NumberType type, bool wide, const Launcher& launch) {
  const auto with_width = [&]<typename T>() {
    if (wide) {
      launch.template operator()<T, kWidest<T>>();
    } else {
      launch.template operator()<T, 1>();
    }
  };
  switch (type) {
    case NumberType::kFloat:
      return with_width.template operator()<float>();
    case NumberType::kHalf:
      return with_width.template operator()<__half>();
    case NumberType::kBfloat16:
      return with_width.template operator()<__nv_bfloat16>();
  }
}

inline dim3 Blocks(const GridSize& grid) { return {grid.x, grid.y, grid.z}; }

}  // namespace upscaler
