#include "worker/models/unet/unet_config.h"

#include <cstddef>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status_macros.h"
#include "worker/models/nn/required_fields.h"
#include "worker/models/unet/unet_plan.h"

namespace upscaler {
namespace {

// Well above any UNet of this family (the published one has 4 levels of up to 768
// channels), and low enough that a damaged file cannot ask for absurd memory.
constexpr IntegerRange kChannels{.least = 1, .most = 64};
constexpr IntegerRange kLevelChannels{.least = kChannelsPerGroup, .most = 2048};
constexpr std::size_t kMaxLevels = 6;
constexpr IntegerRange kLayers{.least = 1, .most = 8};
constexpr IntegerRange kWidth{.least = 1, .most = 8192};
constexpr IntegerRange kKernel{.least = 1, .most = 3};

// The block types of this family, from the input to the output, for `levels`
// levels: no attention at the finest one.
std::vector<std::string> DownTypes(std::size_t levels) {
  std::vector<std::string> types(levels, "KCrossAttnDownBlock2D");
  types.front() = "KDownBlock2D";
  return types;
}

std::vector<std::string> UpTypes(std::size_t levels) {
  std::vector<std::string> types(levels, "KCrossAttnUpBlock2D");
  types.back() = "KUpBlock2D";
  return types;
}

void RequireTypes(JsonFields& fields, const char* name, const std::vector<std::string>& wanted) {
  const std::vector<std::string> found = fields.Strings(name);
  if (found != wanted) {
    fields.Refuse(
        name, fmt::format("is [{}], wanted [{}]", fmt::join(found, ", "), fmt::join(wanted, ", ")));
  }
}

std::int64_t KernelField(JsonFields& fields, const char* name) {
  const std::int64_t kernel = fields.Integer(name, kKernel, 3);
  if (kernel == 2) fields.Refuse(name, "is 2, wanted 1 or 3");
  return kernel;
}

// Whatever else would change the result.
void RequireNoOtherSwitches(JsonFields& fields) {
  for (const char* name : {"addition_embed_type", "class_embed_type", "encoder_hid_dim",
                           "encoder_hid_dim_type", "mid_block_type", "norm_num_groups",
                           "num_attention_heads", "num_class_embeds", "time_embedding_act_fn"}) {
    RequireNull(fields, name);
  }
  for (const char* name : {"center_input_sample", "class_embeddings_concat", "upcast_attention"}) {
    RequireBoolean(fields, name, false);
  }
  RequireBoolean(fields, "flip_sin_to_cos", true);
  RequireString(fields, "act_fn", "gelu");
  RequireString(fields, "attention_type", "default");
  RequireString(fields, "time_embedding_type", "fourier");
  RequireString(fields, "timestep_post_act", "gelu");
}

void CheckLevels(const UnetConfig& config, JsonFields& fields) {
  const auto& channels = config.level_channels;
  if (channels.size() < 2 || channels.size() > kMaxLevels) {
    fields.Refuse("block_out_channels",
                  fmt::format("has {} levels, wanted 2 to {}", channels.size(), kMaxLevels));
    return;
  }
  for (const std::int64_t width : channels) {
    // Twice the width is that of a level with its skip connection.
    if (width % GroupsOf(width) != 0 || 2 * width % GroupsOf(2 * width) != 0) {
      fields.Refuse("block_out_channels",
                    fmt::format("holds {}, which groups of {} channels do not divide evenly", width,
                                kChannelsPerGroup));
    }
    if (width % config.attention_head_width != 0) {
      fields.Refuse("attention_head_dim", fmt::format("is {}, wanted a divisor of {} channels",
                                                      config.attention_head_width, width));
    }
  }
  // The reference tells the coarsest up block, which has self-attention and no
  // skip connection, by the equality of these three widths. Where they do not
  // agree there, or do agree elsewhere, it cannot run its own network.
  const std::int64_t embedding = config.time_embedding_width;
  for (std::size_t i = 0; i + 1 < channels.size(); ++i) {
    const bool coarsest = i + 2 == channels.size();
    const bool equal = channels[i] == channels[i + 1] && channels[i] == embedding;
    if (equal != coarsest) {
      fields.Refuse("block_out_channels",
                    fmt::format("is [{}] with a time embedding of {}, wanted the last two levels, "
                                "and no other neighbours, to be as wide as the time embedding",
                                fmt::join(channels, ", "), embedding));
    }
  }
}

}  // namespace

absl::StatusOr<UnetConfig> ParseUnetConfig(JsonFields fields) {
  RequireNoOtherSwitches(fields);
  UnetConfig config{
      .in_channels = fields.Integer("in_channels", kChannels),
      .out_channels = fields.Integer("out_channels", kChannels),
      .level_channels = fields.Integers("block_out_channels", kLevelChannels),
      .layers_per_level = fields.Integer("layers_per_block", kLayers),
      .attention_head_width = fields.Integer("attention_head_dim", kWidth),
      .context_width = fields.Integer("cross_attention_dim", kWidth),
      .time_condition_width = fields.Integer("time_cond_proj_dim", kWidth),
      .conv_in_kernel = KernelField(fields, "conv_in_kernel"),
      .conv_out_kernel = KernelField(fields, "conv_out_kernel"),
      .eps = EpsilonField(fields, "norm_eps", 1e-5),
  };
  UPSCALER_RETURN_IF_ERROR(fields.status());
  if (!config.level_channels.empty()) {
    config.time_embedding_width =
        fields.Integer("time_embedding_dim", kWidth, 2 * config.level_channels.front());
  }
  if (config.time_embedding_width % 2 != 0) {
    fields.Refuse("time_embedding_dim",
                  fmt::format("is {}, wanted an even number", config.time_embedding_width));
  }
  CheckLevels(config, fields);
  UPSCALER_RETURN_IF_ERROR(fields.status());
  RequireTypes(fields, "down_block_types", DownTypes(config.level_channels.size()));
  RequireTypes(fields, "up_block_types", UpTypes(config.level_channels.size()));
  UPSCALER_RETURN_IF_ERROR(fields.status());
  return config;
}

}  // namespace upscaler
