// What a row's prompts mean to the UNet.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/models/pipeline/checkpoint.h"

namespace upscaler {

// The UNet was trained with features of the noise that was added to the small
// picture, in front of the pooled prompt. This pipeline adds none, for which they
// are constant: half ones (cosines of 0), half zeros (sines of 0).
inline constexpr std::int64_t kNoiseLevelFeatures = 128;

// P is the number of passes: one, or with guidance two, the negative prompt's
// before the prompt's.
struct Condition {
  at::Tensor keys_values;  // [P, N, K] of the UNet, of the prompts' tokens.
  at::Tensor pooled;       // [P, kNoiseLevelFeatures + D], the UNet's condition.
  std::vector<std::string> warnings;
};

struct Prompts {
  std::string prompt;
  std::string negative;
  double guidance_scale = 0;

  // Whether there are two passes.
  bool guided() const { return guidance_scale > 1.0; }
};

// Encodes the prompts as the reference does: at a guidance of exactly 0 the
// prompt counts as empty, and up to 1 the negative one has no part.
Condition EncodePrompts(const Checkpoint& checkpoint, const Prompts& prompts);

}  // namespace upscaler
