#include "worker/models/vae/vae_config.h"

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
    "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
                         "DownEncoderBlock2D"],
    "in_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32,
    "out_channels": 3, "sample_size": 256, "scaling_factor": 0.18215,
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D",
                       "UpDecoderBlock2D"]})");
}

absl::StatusOr<VaeConfig> Parse(const json& text) {
  return ParseVaeConfig(JsonFields::Parse(text.dump(), "config.json").value());
}

TEST(VaeConfigTest, ReadsThePublishedModel) {
  const auto config = Parse(Published());

  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->level_channels, ElementsAre(128, 256, 512, 512));
  EXPECT_EQ(config->layers_per_level, 2);
  EXPECT_EQ(config->latent_channels, 4);
  EXPECT_EQ(config->norm_groups, 32);
  EXPECT_EQ(config->scaling_factor, 0.18215);
  EXPECT_EQ(config->reduction(), 8);
  EXPECT_TRUE(config->mid_attention && config->quant_conv && config->post_quant_conv);
}

TEST(VaeConfigTest, ReadsWhichPartsAreThere) {
  auto text = Published();
  text.update({{"mid_block_add_attention", false},
               {"use_quant_conv", false},
               {"use_post_quant_conv", false}});

  const auto config = Parse(text);

  EXPECT_FALSE(config->mid_attention || config->quant_conv || config->post_quant_conv);
}

TEST(VaeConfigTest, NamesTheFieldThatItCannotServe) {
  const std::pair<const char*, json> kBad[] = {
      {"act_fn", "gelu"},
      {"block_out_channels", json::array()},
      {"block_out_channels", {128, 256, 512, 1 << 20}},
      {"down_block_types", {"DownEncoderBlock2D"}},
      {"in_channels", 4},
      {"latent_channels", 0},
      {"latents_mean", {0.0, 0.0, 0.0, 0.0}},
      {"layers_per_block", 1'000'000},
      {"norm_num_groups", 24},
      {"out_channels", 1},
      {"scaling_factor", 0.0},
      {"shift_factor", 0.1159},
      {"up_block_types",
       {"UpDecoderBlock2D", "AttnUpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"}},
  };
  for (const auto& [name, value] : kBad) {
    auto text = Published();
    text[name] = value;

    const auto config = Parse(text);

    EXPECT_THAT(config, StatusIs(absl::StatusCode::kFailedPrecondition)) << name << value;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr("wanted")) << name;
  }
}

}  // namespace
}  // namespace upscaler
