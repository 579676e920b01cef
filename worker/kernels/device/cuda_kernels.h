// Our own CUDA kernels, if they are installed.
//
// They are in a library that no program is linked with, so that one binary serves machines with
// and without a GPU. Its operators register themselves with the dispatcher as it is loaded; until
// then, and where it is missing, a device computes with their plain twins, which is slower, and
// starts each of its kernels by itself.

#pragma once

#include <span>
#include <string>

#include <absl/status/statusor.h>

#include "worker/kernels/cuda/graph_recorder.h"

namespace upscaler {

// Loads libupscaler_cuda.so from beside the program, or from the folder lib beside its folder, and
// answers what makes recorders of CUDA graphs. Any thread may call it, and many times.
// kFailedPrecondition, with all that was tried, where it is not there or does not fit this LibTorch
// or this program. Requires that LibTorch's CUDA library is loaded.
absl::StatusOr<MakeGraphRecorder*> LoadCudaKernels();

// The same from the first of `places` that has it: file names as dlopen takes them.
absl::StatusOr<MakeGraphRecorder*> LoadCudaKernels(std::span<const std::string> places);

}  // namespace upscaler
