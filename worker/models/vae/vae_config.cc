#include "worker/models/vae/vae_config.h"

#include <cmath>
#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "worker/models/nn/required_fields.h"

namespace upscaler {
namespace {

// Well above any autoencoder of this family (the published one has 4 levels of up
// to 512 channels), and low enough that a damaged file cannot ask for absurd memory.
constexpr IntegerRange kLevelChannels{.least = 1, .most = 2048};
constexpr std::size_t kMaxLevels = 6;
constexpr IntegerRange kLayers{.least = 1, .most = 8};
constexpr IntegerRange kLatentChannels{.least = 1, .most = 64};
constexpr IntegerRange kRgb{.least = 3, .most = 3};

void RequireTypes(JsonFields& fields, const char* name, const char* wanted, std::size_t levels) {
  const auto types = fields.Strings(name);
  if (types.size() != levels) {
    fields.Refuse(name, fmt::format("has {} elements, wanted {}, as block_out_channels has",
                                    types.size(), levels));
  }
  for (const std::string& type : types) {
    if (type != wanted) fields.Refuse(name, fmt::format("holds '{}', wanted '{}'", type, wanted));
  }
}

void CheckLevels(const VaeConfig& config, JsonFields& fields) {
  const auto& channels = config.level_channels;
  if (channels.empty() || channels.size() > kMaxLevels) {
    fields.Refuse("block_out_channels",
                  fmt::format("has {} levels, wanted 1 to {}", channels.size(), kMaxLevels));
  }
  for (const std::int64_t width : channels) {
    if (width % config.norm_groups != 0) {
      fields.Refuse("norm_num_groups", fmt::format("is {}, wanted a divisor of {} channels",
                                                   config.norm_groups, width));
    }
  }
  RequireTypes(fields, "down_block_types", "DownEncoderBlock2D", channels.size());
  RequireTypes(fields, "up_block_types", "UpDecoderBlock2D", channels.size());
}

}  // namespace

absl::StatusOr<VaeConfig> ParseVaeConfig(JsonFields fields) {
  for (const char* name : {"shift_factor", "latents_mean", "latents_std"}) {
    RequireNull(fields, name);
  }
  RequireString(fields, "act_fn", "silu");
  fields.Integer("in_channels", kRgb, 3);
  fields.Integer("out_channels", kRgb, 3);

  VaeConfig config{
      .level_channels = fields.Integers("block_out_channels", kLevelChannels),
      .layers_per_level = fields.Integer("layers_per_block", kLayers),
      .latent_channels = fields.Integer("latent_channels", kLatentChannels),
      .norm_groups = fields.Integer("norm_num_groups", kLevelChannels, 32),
      .mid_attention = fields.Boolean("mid_block_add_attention", true),
      .quant_conv = fields.Boolean("use_quant_conv", true),
      .post_quant_conv = fields.Boolean("use_post_quant_conv", true),
      .scaling_factor = fields.Number("scaling_factor", 0.18215),
  };
  if (!(config.scaling_factor > 0.0) || !std::isfinite(config.scaling_factor)) {
    fields.Refuse("scaling_factor",
                  fmt::format("is {}, wanted a positive number", config.scaling_factor));
  }
  CheckLevels(config, fields);
  UPSCALER_RETURN_IF_ERROR(fields.status());
  return config;
}

}  // namespace upscaler
