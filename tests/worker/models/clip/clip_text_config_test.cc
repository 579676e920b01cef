#include "worker/models/clip/clip_text_config.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::StatusIs;
using ::testing::HasSubstr;

json Published() {
  return {
      {"hidden_size", 768},         {"num_hidden_layers", 12},       {"num_attention_heads", 12},
      {"intermediate_size", 3072},  {"max_position_embeddings", 77}, {"vocab_size", 49408},
      {"hidden_act", "quick_gelu"}, {"layer_norm_eps", 1e-5},        {"eos_token_id", 2}};
}

absl::StatusOr<ClipTextConfig> Parse(const json& text) {
  return ParseClipTextConfig(JsonFields::Parse(text.dump(), "config.json").value());
}

TEST(ClipTextConfigTest, ReadsThePublishedModel) {
  const auto config = Parse(Published());

  ASSERT_THAT(config, test::IsOk());
  EXPECT_EQ(config->vocabulary, 49408);
  EXPECT_EQ(config->positions, 77);
  EXPECT_EQ(config->width, 768);
  EXPECT_EQ(config->inner_width, 3072);
  EXPECT_EQ(config->layers, 12);
  EXPECT_EQ(config->heads, 12);
  EXPECT_EQ(config->activation, ClipActivation::kQuickGelu);
}

TEST(ClipTextConfigTest, KnowsTheExactGelu) {
  auto text = Published();
  text["hidden_act"] = "gelu";

  EXPECT_EQ(Parse(text)->activation, ClipActivation::kGelu);
}

TEST(ClipTextConfigTest, NamesTheFieldThatItCannotServe) {
  const std::pair<const char*, json> kBad[] = {
      {"hidden_act", "relu"},
      {"num_attention_heads", 7},
      {"num_attention_heads", 0},
      {"hidden_size", 1 << 30},
      {"num_hidden_layers", 1e9},
      {"vocab_size", "many"},
      {"max_position_embeddings", nullptr},
  };
  for (const auto& [name, value] : kBad) {
    auto text = Published();
    text[name] = value;

    const auto config = Parse(text);

    EXPECT_THAT(config, StatusIs(absl::StatusCode::kFailedPrecondition)) << name << value;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(name));
  }
}

}  // namespace
}  // namespace upscaler
