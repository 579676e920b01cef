#include "worker/kernels/device/cuda_kernels.h"

#include <array>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace upscaler {

absl::StatusOr<MakeGraphRecorder*> LoadCudaKernels() {
  // The loader puts the program's folder in the place of $ORIGIN.
  static const std::array<std::string, 2> kPlaces = {"$ORIGIN/libupscaler_cuda.so",
                                                     "$ORIGIN/../lib/libupscaler_cuda.so"};
  return LoadCudaKernels(kPlaces);
}

absl::StatusOr<MakeGraphRecorder*> LoadCudaKernels(std::span<const std::string> places) {
  std::vector<std::string> reasons;
  for (const std::string& place : places) {
    // Every symbol at once, so that a library of another LibTorch fails here and not in a step.
    // Never unloaded: the dispatcher points into it.
    void* const library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const make = library != nullptr ? dlsym(library, kMakeGraphRecorder) : nullptr;
    if (make != nullptr) return reinterpret_cast<MakeGraphRecorder*>(make);  // NOLINT(*-cast)
    reasons.emplace_back(dlerror());  // NOLINT(concurrency-mt-unsafe): thread-local in glibc
  }
  return absl::FailedPreconditionError(
      fmt::format("our CUDA kernels cannot be loaded: {}", fmt::join(reasons, "; ")));
}

}  // namespace upscaler
