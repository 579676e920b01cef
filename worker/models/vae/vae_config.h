// The sizes of an autoencoder, as vae/config.json gives them.

#pragma once

#include <cstdint>
#include <vector>

#include <absl/status/statusor.h>

#include "common/json_fields.h"

namespace upscaler {

struct VaeConfig {
  std::vector<std::int64_t> level_channels;  // From the picture to the latent.
  std::int64_t layers_per_level = 0;         // One more in the decoder.
  std::int64_t latent_channels = 0;
  std::int64_t norm_groups = 0;  // Divides each level's channels.
  bool mid_attention = true;
  bool quant_conv = true;
  bool post_quant_conv = true;
  double scaling_factor = 0;  // What a latent is multiplied by for the UNet.

  // How many pixels a latent sample stands for, along either side.
  std::int64_t reduction() const { return std::int64_t{1} << (level_channels.size() - 1); }
};

// kFailedPrecondition, naming the field, for what is missing, out of range, or
// another architecture.
absl::StatusOr<VaeConfig> ParseVaeConfig(JsonFields fields);

}  // namespace upscaler
