// The sizes of a text encoder, as text_encoder/config.json gives them.

#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "common/json_fields.h"

namespace upscaler {

enum class ClipActivation {
  kQuickGelu,  // x * sigmoid(1.702 x), what CLIP was trained with.
  kGelu,       // The exact one.
};

struct ClipTextConfig {
  std::int64_t vocabulary = 0;
  std::int64_t positions = 0;  // The longest sequence.
  std::int64_t width = 0;
  std::int64_t inner_width = 0;  // Of the layers' feed-forward part.
  std::int64_t layers = 0;
  std::int64_t heads = 0;  // Divides `width`.
  ClipActivation activation = ClipActivation::kQuickGelu;
  double eps = 1e-5;
};

// kFailedPrecondition, naming the field, for what is missing, out of range, or
// another architecture. The ids of special tokens that stand in the file are not
// read: published files have wrong ones, and the tokenizer knows.
absl::StatusOr<ClipTextConfig> ParseClipTextConfig(JsonFields fields);

}  // namespace upscaler
