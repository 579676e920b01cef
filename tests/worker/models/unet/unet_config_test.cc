#include "worker/models/unet/unet_config.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json Published() {
  return json::parse(R"({
    "act_fn": "gelu", "attention_head_dim": 64, "block_out_channels": [384, 384, 768, 768],
    "center_input_sample": false, "class_embed_type": null, "conv_in_kernel": 1,
    "conv_out_kernel": 1, "cross_attention_dim": 768,
    "down_block_types": ["KDownBlock2D", "KCrossAttnDownBlock2D", "KCrossAttnDownBlock2D",
                         "KCrossAttnDownBlock2D"],
    "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 8, "layers_per_block": 4,
    "mid_block_type": null, "norm_eps": 1e-05, "norm_num_groups": null, "out_channels": 5,
    "resnet_time_scale_shift": "scale_shift", "time_cond_proj_dim": 896,
    "time_embedding_type": "fourier", "timestep_post_act": "gelu",
    "up_block_types": ["KCrossAttnUpBlock2D", "KCrossAttnUpBlock2D", "KCrossAttnUpBlock2D",
                       "KUpBlock2D"],
    "upcast_attention": false})");
}

absl::StatusOr<UnetConfig> Parse(const json& text) {
  return ParseUnetConfig(JsonFields::Parse(text.dump(), "config.json").value());
}

TEST(UnetConfigTest, ReadsThePublishedModel) {
  const auto config = Parse(Published());

  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->in_channels, 8);
  EXPECT_EQ(config->out_channels, 5);
  EXPECT_THAT(config->level_channels, ElementsAre(384, 384, 768, 768));
  EXPECT_EQ(config->layers_per_level, 4);
  EXPECT_EQ(config->attention_head_width, 64);
  EXPECT_EQ(config->context_width, 768);
  EXPECT_EQ(config->time_embedding_width, 768);
  EXPECT_EQ(config->time_condition_width, 896);
  EXPECT_EQ(config->conv_in_kernel, 1);
  EXPECT_EQ(config->size_multiple(), 8);
}

TEST(UnetConfigTest, TakesTheTimeEmbeddingsWidthWhereItIsGiven) {
  auto text = Published();
  text["block_out_channels"] = {128, 192, 256, 256};
  text["time_embedding_dim"] = 256;

  EXPECT_EQ(Parse(text)->time_embedding_width, 256);
}

TEST(UnetConfigTest, NamesTheFieldThatItCannotServe) {
  const std::pair<const char*, json> kBad[] = {
      {"act_fn", "silu"},
      {"attention_head_dim", 100},
      {"attention_head_dim", {64, 64, 64, 64}},
      {"block_out_channels", {384, 384, 768}},
      {"block_out_channels", {384, 384, 384, 768}},
      {"block_out_channels", {384, 768, 768, 768}},
      {"block_out_channels", {16, 16, 32, 32}},
      {"block_out_channels", {384, 384, 768, 1 << 20}},
      {"block_out_channels", json::array()},
      {"center_input_sample", true},
      {"class_embed_type", "timestep"},
      {"conv_in_kernel", 2},
      {"conv_out_kernel", 5},
      {"cross_attention_dim", nullptr},
      {"down_block_types", {"DownBlock2D"}},
      {"encoder_hid_dim", 768},
      {"flip_sin_to_cos", false},
      {"in_channels", 0},
      {"layers_per_block", 1'000'000},
      {"layers_per_block", {4, 4, 4, 4}},
      {"mid_block_type", "UNetMidBlock2DCrossAttn"},
      {"norm_eps", -1.0},
      {"norm_num_groups", 32},
      {"time_embedding_dim", 767},
      {"time_embedding_type", "positional"},
      {"timestep_post_act", "silu"},
      {"up_block_types", {"KUpBlock2D", "KUpBlock2D", "KUpBlock2D", "KUpBlock2D"}},
  };
  for (const auto& [name, value] : kBad) {
    auto text = Published();
    text[name] = value;

    const auto config = Parse(text);

    EXPECT_THAT(config, StatusIs(absl::StatusCode::kFailedPrecondition)) << name << value;
  }
}

TEST(UnetConfigTest, SaysWhatItFoundAndWanted) {
  auto text = Published();
  text["up_block_types"] = {"UpBlock2D"};

  EXPECT_THAT(std::string(Parse(text).status().message()),
              HasSubstr("'up_block_types' is [UpBlock2D], wanted [KCrossAttnUpBlock2D, "
                        "KCrossAttnUpBlock2D, KCrossAttnUpBlock2D, KUpBlock2D]"));
}

}  // namespace
}  // namespace upscaler
