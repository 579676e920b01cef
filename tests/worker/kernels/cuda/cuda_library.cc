#include "tests/worker/kernels/cuda/cuda_library.h"

#include <filesystem>

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace upscaler::test {

std::string WhyNoCudaKernels() {
  if (!std::filesystem::exists(UPSCALER_CUDA_LIBRARY)) {
    return "no CUDA kernels: they were not built; the build's configuration said why";
  }
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return std::string("no CUDA: LibTorch's CUDA library cannot be loaded: ") + dlerror();
  }
  if (OpenCudaLibrary() == nullptr) {
    const std::string reason = dlerror();
    ADD_FAILURE() << reason;
    return "our CUDA kernels cannot be loaded: " + reason;
  }
  return "";
}

void* OpenCudaLibrary() { return dlopen(UPSCALER_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL); }

std::string WhyNoCudaDevice() {
  const std::string why = WhyNoCudaKernels();
  if (!why.empty()) return why;
  return at::detail::getCUDAHooks().deviceCount() == 0 ? "no CUDA device: none was found" : "";
}

}  // namespace upscaler::test
