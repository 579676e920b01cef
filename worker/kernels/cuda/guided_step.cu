// Starts the kernel of guided_step_body.h.

#include "worker/kernels/cuda/guided_step_body.h"
#include "worker/kernels/cuda/launches.h"
#include "worker/kernels/cuda/number_types.cuh"

namespace upscaler {
namespace {

template <typename T>
__global__ void __launch_bounds__(kGuidedStepThreads) Step(GuidedStepBody<T> body) {
  body.Compute({blockIdx.x, blockIdx.y, blockIdx.z}, static_cast<int>(threadIdx.x));
}

}  // namespace

void Launch(const GuidedStepLaunch& launch, cudaStream_t stream) {
  ForNumbers(launch.type, /*wide=*/false, [&]<typename T, int kWidth>() {
    Step<<<Blocks(GuidedStepGrid(launch.sizes)), kGuidedStepThreads, 0, stream>>>(
        GuidedStepBody<T>{.sizes = launch.sizes,
                          .latents = static_cast<const T*>(launch.latents),
                          .output = static_cast<const T*>(launch.output),
                          .denoised = static_cast<T*>(launch.denoised),
                          .next = static_cast<T*>(launch.next)});
  });
}

}  // namespace upscaler
