// upscaler::downsample2x and upscaler::upsample2x on CUDA devices.

#include <cstdint>
#include <limits>

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "worker/kernels/cuda/launch_tensors.h"
#include "worker/kernels/resample.h"

namespace upscaler {
namespace {

// Whether the kernels take these features. What they count along a row of the doubled picture, in
// 32 bits, is its numbers.
bool HasKernel(const at::Tensor& features) {
  constexpr std::int64_t kMostNumbers = std::numeric_limits<std::int32_t>::max() / 4;
  return HasPixelKernels(features) && features.size(2) >= 2 && features.size(3) >= 2 &&
         features.size(0) <= kMostBlocks && 2 * features.size(2) <= kMostBlocks &&
         features.size(1) <= kMostNumbers / features.size(3);
}

at::Tensor Resampled(const at::Tensor& features, bool doubles) {
  const c10::cuda::CUDAGuard guard(features.device());
  const std::int64_t height = doubles ? 2 * features.size(2) : features.size(2) / 2;
  const std::int64_t width = doubles ? 2 * features.size(3) : features.size(3) / 2;
  at::Tensor results = at::empty({features.size(0), features.size(1), height, width},
                                 features.options(), at::MemoryFormat::ChannelsLast);
  LaunchOrThrow(ResampleLaunch{.type = NumberTypeOf(features),
                               .wide = CanBeWide(features),
                               .doubles = doubles,
                               .sizes = {.pictures = static_cast<int>(features.size(0)),
                                         .height = static_cast<int>(features.size(2)),
                                         .width = static_cast<int>(features.size(3)),
                                         .channels = static_cast<int>(features.size(1))},
                               .features = features.const_data_ptr(),
                               .results = results.mutable_data_ptr()});
  return results;
}

at::Tensor DownsampleOnCuda(const at::Tensor& features) {
  return HasKernel(features) ? Resampled(features, /*doubles=*/false) : PlainDownsample2x(features);
}

at::Tensor UpsampleOnCuda(const at::Tensor& features) {
  return HasKernel(features) ? Resampled(features, /*doubles=*/true) : PlainUpsample2x(features);
}

}  // namespace
}  // namespace upscaler

TORCH_LIBRARY_IMPL(upscaler, CUDA, library) {
  library.impl("downsample2x", &upscaler::DownsampleOnCuda);
  library.impl("upsample2x", &upscaler::UpsampleOnCuda);
}
