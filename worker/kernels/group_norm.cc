#include "worker/kernels/group_norm.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace upscaler {
namespace {

// As the dispatcher knows it: it has no enumerations.
using Operator = at::Tensor(const at::Tensor&, std::int64_t, double, const at::Tensor&,
                            const at::Tensor&, std::int64_t);

at::Tensor OnAnyDevice(const at::Tensor& features, std::int64_t groups, double eps,
                       const at::Tensor& scale, const at::Tensor& shift, std::int64_t activation) {
  return PlainGroupNormActivation(features, groups, eps, scale, shift,
                                  static_cast<Activation>(activation));
}

at::Tensor OnCpu(const at::Tensor& features, std::int64_t groups, double eps,
                 const at::Tensor& scale, const at::Tensor& shift, std::int64_t activation) {
  CheckGroupNorm(features, groups, scale, shift);
  const bool has_kernel = features.scalar_type() == at::kFloat && features.numel() > 0 &&
                          scale.scalar_type() == at::kFloat && shift.scalar_type() == at::kFloat &&
                          features.is_contiguous(at::MemoryFormat::ChannelsLast);
  if (!has_kernel) return OnAnyDevice(features, groups, eps, scale, shift, activation);
  return CpuGroupNormActivation(features, groups, eps, scale, shift,
                                static_cast<Activation>(activation), BestLoops());
}

}  // namespace

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
