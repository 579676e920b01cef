// The plain twin of group normalization. It is in a file of its own, without the operator's
// registration, because the library of CUDA kernels is compiled with it as well.

#include <ATen/ops/addcmul.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/silu.h>
#include <c10/util/Exception.h>

#include "worker/kernels/group_norm.h"

namespace upscaler {

void CheckGroupNorm(const at::Tensor& features, std::int64_t groups, const at::Tensor& scale,
                    const at::Tensor& shift) {
  TORCH_CHECK(features.dim() == 4 && groups > 0 && features.size(1) % groups == 0 &&
                  scale.dim() == 2 && scale.size(1) == features.size(1) &&
                  (scale.size(0) == 1 || scale.size(0) == features.size(0)) &&
                  shift.sizes() == scale.sizes(),
              "normalization found features ", features.sizes(), " in ", groups, " groups, scales ",
              scale.sizes(), " and shifts ", shift.sizes());
}

at::Tensor PlainGroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                                    const at::Tensor& scale, const at::Tensor& shift,
                                    Activation activation) {
  CheckGroupNorm(features, groups, scale, shift);
  at::Tensor result = at::group_norm(features, groups, /*weight=*/{}, /*bias=*/{}, eps);
  result =
      at::addcmul(shift.unsqueeze(-1).unsqueeze(-1), result, scale.unsqueeze(-1).unsqueeze(-1));
  return ActivateInPlace(result, activation);
}

at::Tensor ActivateInPlace(at::Tensor features, Activation activation) {
  if (activation == Activation::kGelu) return at::gelu_(features);
  if (activation == Activation::kSilu) return at::silu_(features);
  return features;
}

}  // namespace upscaler
