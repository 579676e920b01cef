#include "worker/models/pipeline/condition.h"

#include <string>

#include <ATen/ops/equal.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/models/pipeline/loaded_pipeline.h"

namespace upscaler {
namespace {

using test::kDemo;
using test::LoadedPipeline;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::size_t kAmpleRoom = std::size_t{16} << 20;

class ConditionTest : public ::testing::Test {
 protected:
  Condition Encode(const Prompts& prompts, TextCache& cache) const {
    return EncodePrompts(loaded_.checkpoint(), prompts, cache);
  }
  Condition Encode(const Prompts& prompts) { return Encode(prompts, cache_); }

  static std::string TooLong() {
    std::string prompt;
    for (int i = 0; i < 100; ++i) prompt += "cat ";
    return prompt;
  }

  c10::InferenceMode inference_;
  const LoadedPipeline loaded_{kDemo};
  TextCache cache_{kAmpleRoom};
};

TEST_F(ConditionTest, HasAPassForEachPromptThatCounts) {
  const Prompts plain = {.prompt = "a cat", .negative = "blurry", .guidance_scale = 1};
  const Prompts guided = {.prompt = "a cat", .negative = "blurry", .guidance_scale = 1.5};

  EXPECT_THAT(Encode(plain).passes, SizeIs(1));
  EXPECT_THAT(Encode(guided).passes, SizeIs(2));
}

TEST_F(ConditionTest, PutsTheNegativePromptFirst) {
  const Prompts guided = {.prompt = "a cat", .negative = "blurry", .guidance_scale = 5};
  const Prompts negative_alone = {.prompt = "blurry", .negative = "", .guidance_scale = 1};

  const Condition condition = Encode(guided);

  EXPECT_TRUE(condition.passes.front().keys_values.is_same(
      Encode(negative_alone).passes.front().keys_values));
}

TEST_F(ConditionTest, TakesThePromptForEmptyWithoutAnyGuidance) {
  const Prompts unheard = {.prompt = "a cat", .negative = "", .guidance_scale = 0};
  const Prompts empty = {.prompt = "", .negative = "", .guidance_scale = 1};

  EXPECT_TRUE(
      Encode(unheard).passes.front().keys_values.is_same(Encode(empty).passes.front().keys_values));
}

TEST_F(ConditionTest, ReadsAPromptOnceAndSaysSo) {
  const Prompts prompts = {.prompt = "a cat", .negative = "", .guidance_scale = 5};

  const Condition first = Encode(prompts);
  const Condition second = Encode(prompts);

  EXPECT_EQ(first.cache_misses, 2);
  EXPECT_EQ(first.cache_hits, 0);
  EXPECT_EQ(second.cache_misses, 0);
  EXPECT_EQ(second.cache_hits, 2);
  EXPECT_TRUE(second.passes[0].keys_values.is_same(first.passes[0].keys_values));
  EXPECT_TRUE(second.passes[1].pooled.is_same(first.passes[1].pooled));
}

TEST_F(ConditionTest, FindsAPromptThatIsItsOwnNegative) {
  const Condition condition = Encode({.prompt = "", .negative = "", .guidance_scale = 5});

  EXPECT_EQ(condition.cache_misses, 1);
  EXPECT_EQ(condition.cache_hits, 1);
}

TEST_F(ConditionTest, IsTheSameWithoutACache) {
  const Prompts prompts = {.prompt = "a cat", .negative = "", .guidance_scale = 1};
  TextCache none(0);
  Encode(prompts);

  const Condition known = Encode(prompts);
  const Condition read = Encode(prompts, none);

  EXPECT_EQ(read.cache_misses, 1);
  EXPECT_TRUE(at::equal(read.passes.front().keys_values, known.passes.front().keys_values));
  EXPECT_TRUE(at::equal(read.passes.front().pooled, known.passes.front().pooled));
}

TEST_F(ConditionTest, WarnsOfACutPromptByItsFieldEachTime) {
  const Prompts both = {.prompt = TooLong(), .negative = TooLong(), .guidance_scale = 5};
  const Prompts neither = {.prompt = "a cat", .negative = "", .guidance_scale = 5};

  for (int time = 0; time < 2; ++time) {
    EXPECT_THAT(Encode(both).warnings, ElementsAre(StartsWith("prompt is longer than 75 tokens"),
                                                   StartsWith("negative_prompt is longer")));
  }
  EXPECT_THAT(Encode(both).warnings.front(), HasSubstr("cat cat"));
  EXPECT_THAT(Encode(neither).warnings, IsEmpty());
}

}  // namespace
}  // namespace upscaler
