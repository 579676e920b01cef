// The loops for AVX-512.

#include "worker/kernels/loops_of.h"

#ifdef __x86_64__

namespace upscaler {

extern const MachineLoops kAvx512Loops;
constinit const MachineLoops kAvx512Loops =
    LoopsOf<float __attribute__((vector_size(16 * sizeof(float))))>("avx512");

}  // namespace upscaler

#endif
