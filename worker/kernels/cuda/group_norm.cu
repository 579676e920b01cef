// Starts the kernels of norm_body.h one after another.

#include "worker/kernels/cuda/launches.h"
#include "worker/kernels/cuda/norm_body.h"
#include "worker/kernels/cuda/number_types.cuh"

namespace upscaler {
namespace {

__device__ GridIndex ThisBlock() { return {blockIdx.x, blockIdx.y, blockIdx.z}; }
__device__ int ThisThread() { return static_cast<int>(threadIdx.x); }

template <typename T, int kWidth>
__global__ void __launch_bounds__(kNormThreads) Measure(NormMeasure<T, kWidth> body) {
  __shared__ float shared[NormMeasure<T, kWidth>::kShared];
  body.Add(ThisBlock(), ThisThread(), shared);
  __syncthreads();
  body.Write(ThisBlock(), ThisThread(), shared);
}

template <typename T>
__global__ void __launch_bounds__(kSettleThreads) Settle(NormSettle<T> body) {
  __shared__ double shared[NormSettle<T>::kShared];
  body.Add(ThisBlock(), ThisThread(), shared);
  __syncthreads();
  for (int half = kSettleThreads / 2; half > 0; half /= 2) {
    body.Fold(half, ThisThread(), shared);
    __syncthreads();
  }
  body.Write(ThisBlock(), ThisThread(), shared);
}

template <typename T, int kWidth, Activation kActivation>
__global__ void __launch_bounds__(kNormThreads) Apply(NormApply<T, kWidth, kActivation> body) {
  body.Apply(ThisBlock(), ThisThread());
}

template <typename T, int kWidth, Activation kActivation>
void LaunchApply(const GroupNormLaunch& launch, cudaStream_t stream) {
  Apply<<<Blocks(launch.plan.ApplyGrid()), kNormThreads, 0, stream>>>(
      NormApply<T, kWidth, kActivation>{.plan = launch.plan,
                                        .features = static_cast<const T*>(launch.features),
                                        .affine = launch.affine,
                                        .results = static_cast<T*>(launch.results)});
}

template <typename T, int kWidth>
void LaunchAll(const GroupNormLaunch& launch, cudaStream_t stream) {
  const auto* const features = static_cast<const T*>(launch.features);
  Measure<<<Blocks(launch.plan.MeasureGrid()), kNormThreads, 0, stream>>>(
      NormMeasure<T, kWidth>{.plan = launch.plan, .features = features, .moments = launch.moments});
  Settle<<<Blocks(launch.plan.SettleGrid()), kSettleThreads, 0, stream>>>(
      NormSettle<T>{.plan = launch.plan,
                    .features = features,
                    .moments = launch.moments,
                    .scale = static_cast<const T*>(launch.scale),
                    .shift = static_cast<const T*>(launch.shift),
                    .scale_row = launch.scale_row,
                    .shift_row = launch.shift_row,
                    .eps = launch.eps,
                    .affine = launch.affine});
  switch (launch.activation) {
    case Activation::kGelu:
      return LaunchApply<T, kWidth, Activation::kGelu>(launch, stream);
    case Activation::kSilu:
      return LaunchApply<T, kWidth, Activation::kSilu>(launch, stream);
    case Activation::kNone:
      return LaunchApply<T, kWidth, Activation::kNone>(launch, stream);
  }
}

}  // namespace

void Launch(const GroupNormLaunch& launch, cudaStream_t stream) {
  ForNumbers(launch.type, launch.wide,
             [&]<typename T, int kWidth>() { LaunchAll<T, kWidth>(launch, stream); });
}

}  // namespace upscaler
