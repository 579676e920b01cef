#include "worker/kernels/resample.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "worker/kernels/resample_cpu.h"

namespace upscaler {
namespace {

using Resampling = at::Tensor(const at::Tensor&);

}  // namespace

at::Tensor Downsample2x(const at::Tensor& features) {
  static const auto kOperator = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("upscaler::downsample2x", "")
                                    .typed<Resampling>();
  return kOperator.call(features);
}

at::Tensor Upsample2x(const at::Tensor& features) {
  static const auto kOperator = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("upscaler::upsample2x", "")
                                    .typed<Resampling>();
  return kOperator.call(features);
}

}  // namespace upscaler

// Registered in the file that callers' functions live in: from a static library the
// linker takes only the object files that somebody calls.
TORCH_LIBRARY(upscaler, library) {
  library.def("downsample2x(Tensor features) -> Tensor");
  library.def("upsample2x(Tensor features) -> Tensor");
}

TORCH_LIBRARY_IMPL(upscaler, CompositeExplicitAutograd, library) {
  library.impl("downsample2x", &upscaler::PlainDownsample2x);
  library.impl("upsample2x", &upscaler::PlainUpsample2x);
}

TORCH_LIBRARY_IMPL(upscaler, CPU, library) {
  library.impl("downsample2x", &upscaler::CpuDownsample2x);
  library.impl("upsample2x", &upscaler::CpuUpsample2x);
}
