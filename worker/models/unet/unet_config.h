// The sizes of a UNet, as unet/config.json gives them.

#pragma once

#include <cstdint>
#include <vector>

#include <absl/status/statusor.h>

#include "common/json_fields.h"

namespace upscaler {

struct UnetConfig {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::vector<std::int64_t> level_channels;  // From the finest level to the coarsest.
  std::int64_t layers_per_level = 0;
  std::int64_t attention_head_width = 0;  // Divides each level's channels.
  std::int64_t context_width = 0;         // Of the prompt's tokens.
  std::int64_t time_embedding_width = 0;  // Even.
  std::int64_t time_condition_width = 0;  // Of what is added to the noise level.
  std::int64_t conv_in_kernel = 1;        // 1 or 3, as is the next.
  std::int64_t conv_out_kernel = 1;
  double eps = 1e-5;

  // A latent's height and width must be multiples of this, and at least twice it:
  // each level but the last halves them, and the coarsest needs two samples for
  // its border to be reflected.
  std::int64_t size_multiple() const { return std::int64_t{1} << (level_channels.size() - 1); }
};

// kFailedPrecondition, naming the field, for what is missing, out of range, or
// another architecture: other blocks than the K family, or switches that it lacks.
absl::StatusOr<UnetConfig> ParseUnetConfig(JsonFields fields);

}  // namespace upscaler
