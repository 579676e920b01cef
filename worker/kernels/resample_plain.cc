// The plain twins of resampling. They are in a file of their own, without the operators'
// registration, because the library of CUDA kernels is compiled with them as well.

#include <cstdint>

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include "worker/kernels/resample.h"

namespace upscaler {
namespace {

// The kernel for each of the features' channels, times `gain`: [C, 1, 4, 4].
at::Tensor DepthwiseKernel(const at::Tensor& features, double gain) {
  const auto line = at::tensor({1.0, 3.0, 3.0, 1.0}, features.options()) / 8;
  return (at::outer(line, line) * gain).expand({features.size(1), 1, 4, 4});
}

void CheckFeatures(const at::Tensor& features) {
  TORCH_CHECK(features.dim() == 4 && features.size(2) >= 2 && features.size(3) >= 2,
              "resampling found features ", features.sizes(),
              ", wanted [B, C, H, W] with H and W of at least 2");
}

}  // namespace

at::Tensor PlainDownsample2x(const at::Tensor& features) {
  CheckFeatures(features);
  constexpr std::int64_t kStride = 2;
  constexpr std::int64_t kPadding = 0;
  constexpr std::int64_t kDilation = 1;
  return at::conv2d(at::reflection_pad2d(features, {1, 1, 1, 1}),
                    DepthwiseKernel(features, /*gain=*/1), /*bias=*/{}, kStride, kPadding,
                    kDilation, /*groups=*/features.size(1));
}

at::Tensor PlainUpsample2x(const at::Tensor& features) {
  CheckFeatures(features);
  // Three of four samples of the doubled grid are new, so each input sample has
  // to weigh four times as much. The padding of 3 cuts off what the reflected
  // border contributed beyond the picture.
  return at::conv_transpose2d(at::reflection_pad2d(features, {1, 1, 1, 1}),
                              DepthwiseKernel(features, /*gain=*/4), /*bias=*/{}, /*stride=*/2,
                              /*padding=*/3, /*output_padding=*/0,
                              /*groups=*/features.size(1));
}

}  // namespace upscaler
