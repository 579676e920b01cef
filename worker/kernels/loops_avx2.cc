// The loops for AVX2 and FMA.

#include "worker/kernels/loops_of.h"

#ifdef __x86_64__

namespace upscaler {

extern const MachineLoops kAvx2Loops;
constinit const MachineLoops kAvx2Loops =
    LoopsOf<float __attribute__((vector_size(8 * sizeof(float))))>("avx2");

}  // namespace upscaler

#endif
