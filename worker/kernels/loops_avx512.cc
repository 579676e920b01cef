// The loops for AVX-512.

#include "worker/kernels/machine_loops.h"
#include "worker/kernels/norm_loops.h"
#include "worker/kernels/winograd_loops.h"

#ifdef __x86_64__

namespace upscaler {

using Vector = float __attribute__((vector_size(16 * sizeof(float))));

extern const MachineLoops kAvx512Loops;
const MachineLoops kAvx512Loops = {
    .instructions = "avx512",
    .winograd_transform = &TransformTile<Vector>,
    .winograd_multiply = &MultiplyPanel<Vector>,
    .winograd_rows = kTilesAtOnce<Vector>,
    .winograd_columns = sizeof(Vector) / sizeof(float) * kPanelVectors,
    .winograd_gather = &GatherTile<Vector>,
    .add_moments = &AddMoments<Vector>,
    .activate = &Activate<Vector>};

}  // namespace upscaler

#endif
