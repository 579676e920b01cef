#include "worker/kernels/device/device.h"

#include <string>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "worker/kernels/device/catch_torch.h"

namespace upscaler {
namespace {

// Its kernels register themselves with the dispatcher as it is loaded. It is
// not linked, so that one binary serves machines with and without a GPU; it is
// never unloaded, since the dispatcher then points into it.
absl::Status LoadCudaLibrary(std::string_view device) {
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr) return absl::OkStatus();
  const char* reason = dlerror();  // NOLINT(concurrency-mt-unsafe): thread-local in glibc
  return absl::FailedPreconditionError(fmt::format(
      "device '{}' needs LibTorch's CUDA library, which cannot be loaded: {}", device, reason));
}

}  // namespace

absl::StatusOr<c10::Device> OpenDevice(std::string_view name) {
  const absl::StatusOr<c10::Device> device =
      CatchTorch([&] { return c10::Device(std::string(name)); });
  if (!device.ok() || !(device->is_cpu() || device->is_cuda())) {
    return absl::FailedPreconditionError(
        fmt::format("device '{}' is not known; cpu, cuda and cuda:<index> are", name));
  }
  if (device->is_cpu()) return c10::Device(c10::kCPU);

  UPSCALER_RETURN_IF_ERROR(LoadCudaLibrary(name));
  UPSCALER_ASSIGN_OR_RETURN(
      const int count, CatchTorch([] { return int{at::detail::getCUDAHooks().deviceCount()}; }));
  const int index = device->has_index() ? device->index() : 0;
  if (index >= count) {
    return absl::FailedPreconditionError(
        fmt::format("device '{}' is not there: {} CUDA devices were found", name, count));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace upscaler
