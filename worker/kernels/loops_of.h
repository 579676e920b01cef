// All loops for one kind of vectors: see vector_loops.h.

#pragma once

#include "worker/kernels/machine_loops.h"
#include "worker/kernels/norm_loops.h"
#include "worker/kernels/winograd_loops.h"

namespace upscaler {
namespace {

template <typename Vector>
constexpr MachineLoops LoopsOf(const char* instructions) {
  return {.instructions = instructions,
          .winograd_transform = &TransformTile<Vector>,
          .winograd_multiply = &MultiplyPanel<Vector>,
          .winograd_rows = kTilesAtOnce<Vector>,
          .winograd_columns = sizeof(Vector) / sizeof(float) * kPanelVectors,
          .winograd_gather = &GatherTile<Vector>,
          .add_moments = &AddMoments<Vector>,
          .activate = &Activate<Vector>};
}

}  // namespace
}  // namespace upscaler
