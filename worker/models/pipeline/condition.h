// What a row's prompts mean to the UNet.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/text_cache.h"

namespace upscaler {

// The UNet was trained with features of the noise that was added to the small
// picture, in front of the pooled prompt. This pipeline adds none, for which they
// are constant: half ones (cosines of 0), half zeros (sines of 0).
inline constexpr std::int64_t kNoiseLevelFeatures = 128;

struct Prompts {
  std::string prompt;
  std::string negative;
  double guidance_scale = 0;

  // Whether there are two passes.
  bool guided() const { return guidance_scale > 1.0; }
};

struct Condition {
  // One a pass: the prompt, or with guidance two, the negative prompt before it.
  std::vector<EncodedPrompt> passes;
  std::vector<std::string> warnings;  // For the caller, in words.
  int cache_hits = 0;                 // Prompts that were known,
  int cache_misses = 0;               // and prompts that were not.
};

// Encodes the prompts as the reference does: at a guidance of exactly 0 the
// prompt counts as empty, and up to 1 the negative one has no part. Those that
// `cache` knows are taken from there, the others left there.
Condition EncodePrompts(const Checkpoint& checkpoint, const Prompts& prompts, TextCache& cache);

}  // namespace upscaler
