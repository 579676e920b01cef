// Starts the kernels of resample_body.h.

#include "worker/kernels/cuda/launches.h"
#include "worker/kernels/cuda/number_types.cuh"
#include "worker/kernels/cuda/resample_body.h"

namespace upscaler {
namespace {

template <typename Body>
__global__ void __launch_bounds__(kResampleThreads) Resample(Body body) {
  body.Compute({blockIdx.x, blockIdx.y, blockIdx.z}, static_cast<int>(threadIdx.x));
}

template <int kWidth, typename Body>
void LaunchBody(const Body& body, cudaStream_t stream) {
  const GridSize grid = ResampleGrid<kWidth>(body.sizes, body.height(), body.width());
  Resample<<<Blocks(grid), kResampleThreads, 0, stream>>>(body);
}

}  // namespace

void Launch(const ResampleLaunch& launch, cudaStream_t stream) {
  ForNumbers(launch.type, launch.wide, [&]<typename T, int kWidth>() {
    const auto* const features = static_cast<const T*>(launch.features);
    auto* const results = static_cast<T*>(launch.results);
    if (launch.doubles) {
      LaunchBody<kWidth>(Doubling<T, kWidth>{launch.sizes, features, results}, stream);
    } else {
      LaunchBody<kWidth>(Halving<T, kWidth>{launch.sizes, features, results}, stream);
    }
  });
}

}  // namespace upscaler
