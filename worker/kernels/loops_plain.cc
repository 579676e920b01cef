// The loops for every machine.

#include "worker/kernels/machine_loops.h"
#include "worker/kernels/norm_loops.h"
#include "worker/kernels/winograd_loops.h"

namespace upscaler {

using Vector = float __attribute__((vector_size(4 * sizeof(float))));

extern const MachineLoops kPlainLoops;
const MachineLoops kPlainLoops = {
    .instructions = "plain",
    .winograd_transform = &TransformTile<Vector>,
    .winograd_multiply = &MultiplyPanel<Vector>,
    .winograd_rows = kTilesAtOnce<Vector>,
    .winograd_columns = sizeof(Vector) / sizeof(float) * kPanelVectors,
    .winograd_gather = &GatherTile<Vector>,
    .add_moments = &AddMoments<Vector>,
    .activate = &Activate<Vector>};

}  // namespace upscaler
