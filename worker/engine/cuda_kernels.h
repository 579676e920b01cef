// Our own CUDA kernels, if they are installed.
//
// They are in a library that no program is linked with, so that one binary serves machines with
// and without a GPU. Its operators register themselves with the dispatcher as it is loaded; until
// then, and where it is missing, a device computes with their plain twins, which is slower.

#pragma once

#include <span>
#include <string>

#include <absl/status/status.h>

namespace upscaler {

// Loads libupscaler_cuda.so from beside the program, or from the folder lib beside its folder.
// Any thread may call it, and many times. kFailedPrecondition, with all that was tried, where it
// is not there or does not fit this LibTorch. Requires that LibTorch's CUDA library is loaded.
absl::Status LoadCudaKernels();

// The same from the first of `places` that has it: file names as dlopen takes them.
absl::Status LoadCudaKernels(std::span<const std::string> places);

}  // namespace upscaler
