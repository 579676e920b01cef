// The noise levels (sigmas) through which an upscale goes, from the model's
// scheduler_config.json.

#pragma once

#include <cstdint>
#include <vector>

#include <absl/status/statusor.h>

#include "common/json_fields.h"

namespace upscaler {

// Levels at even distances in their logarithm, between the most and the least
// noise that the model was trained with.
struct NoiseSchedule {
  float most = 0.0F;
  float least = 0.0F;

  // The levels of `steps` steps: steps + 1 of them, from `most` down to `least`.
  // The last step does not go on to 0; a trace of noise stays, as it did when the
  // reference's pictures were made. Requires steps > 0.
  std::vector<float> Sigmas(std::int64_t steps) const;
};

// Reads the configuration of an EulerDiscreteScheduler. kFailedPrecondition when it
// asks for what we do not have: another kind of scheduler, interpolation or
// prediction, or levels found in another way.
absl::StatusOr<NoiseSchedule> ParseNoiseSchedule(JsonFields config);

}  // namespace upscaler
