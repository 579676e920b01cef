// The CUDA kernels' library, for tests that need it, and for those that need a device besides.

#pragma once

#include <string>

namespace upscaler::test {

// Loads LibTorch's CUDA library and then ours. Returns why tests of ours cannot be run here, in a
// sentence, or "" if they can. Fails the test where ours is built and does not fit LibTorch's.
std::string WhyNoCudaKernels();

// The library, as dlopen has it. Requires WhyNoCudaKernels() to be "".
void* OpenCudaLibrary();

// The same for tests that run kernels on a device.
std::string WhyNoCudaDevice();

}  // namespace upscaler::test
