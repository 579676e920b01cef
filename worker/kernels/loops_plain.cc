// The loops for every machine.

#include "worker/kernels/loops_of.h"

namespace upscaler {

extern const MachineLoops kPlainLoops;
constinit const MachineLoops kPlainLoops =
    LoopsOf<float __attribute__((vector_size(4 * sizeof(float))))>("plain");

}  // namespace upscaler
