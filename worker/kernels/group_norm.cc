#include "worker/kernels/group_norm.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/silu.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

namespace upscaler {
namespace {

// As the dispatcher knows it: it has no enumerations.
using Operator = at::Tensor(const at::Tensor&, std::int64_t, double, const at::Tensor&,
                            const at::Tensor&, std::int64_t);

void Check(const at::Tensor& features, std::int64_t groups, const at::Tensor& scale,
           const at::Tensor& shift) {
  TORCH_CHECK(features.dim() == 4 && groups > 0 && features.size(1) % groups == 0 &&
                  scale.dim() == 2 && scale.size(1) == features.size(1) &&
                  (scale.size(0) == 1 || scale.size(0) == features.size(0)) &&
                  shift.sizes() == scale.sizes(),
              "normalization found features ", features.sizes(), " in ", groups, " groups, scales ",
              scale.sizes(), " and shifts ", shift.sizes());
}

at::Tensor OnAnyDevice(const at::Tensor& features, std::int64_t groups, double eps,
                       const at::Tensor& scale, const at::Tensor& shift, std::int64_t activation) {
  return PlainGroupNormActivation(features, groups, eps, scale, shift,
                                  static_cast<Activation>(activation));
}

at::Tensor OnCpu(const at::Tensor& features, std::int64_t groups, double eps,
                 const at::Tensor& scale, const at::Tensor& shift, std::int64_t activation) {
  Check(features, groups, scale, shift);
  const bool has_kernel = features.scalar_type() == at::kFloat && features.numel() > 0 &&
                          scale.scalar_type() == at::kFloat && shift.scalar_type() == at::kFloat &&
                          features.is_contiguous(at::MemoryFormat::ChannelsLast);
  if (!has_kernel) return OnAnyDevice(features, groups, eps, scale, shift, activation);
  return CpuGroupNormActivation(features, groups, eps, scale, shift,
                                static_cast<Activation>(activation), BestLoops());
}

}  // namespace

at::Tensor PlainGroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                                    const at::Tensor& scale, const at::Tensor& shift,
                                    Activation activation) {
  Check(features, groups, scale, shift);
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

at::Tensor GroupNormActivation(const at::Tensor& features, std::int64_t groups, double eps,
                               const at::Tensor& scale, const at::Tensor& shift,
                               Activation activation) {
  static const auto kOperator = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("upscaler::group_norm_activation", "")
                                    .typed<Operator>();
  return kOperator.call(features, groups, eps, scale, shift, static_cast<std::int64_t>(activation));
}

}  // namespace upscaler

TORCH_LIBRARY_FRAGMENT(upscaler, library) {
  library.def(
      "group_norm_activation(Tensor features, int groups, float eps, Tensor scale, Tensor shift, "
      "int activation) -> Tensor");
}

TORCH_LIBRARY_IMPL(upscaler, CompositeExplicitAutograd, library) {
  library.impl("group_norm_activation", &upscaler::OnAnyDevice);
}

TORCH_LIBRARY_IMPL(upscaler, CPU, library) {
  library.impl("group_norm_activation", &upscaler::OnCpu);
}
