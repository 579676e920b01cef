#include "worker/models/pipeline/text_cache.h"

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::Le;

constexpr std::size_t kBytesOfOne = 64;

// An encoded prompt that takes kBytesOfOne in a cache, under a prompt of one letter.
EncodedPrompt Encoded(double value = 0) {
  constexpr std::int64_t kFloats = (kBytesOfOne - 4) / sizeof(float);
  return {.keys_values = at::full({1, 1, kFloats - 1}, value),
          .pooled = at::full({1, 1}, value),
          .cut_text = "cut"};
}

bool Knows(TextCache& cache, const std::string& prompt) { return cache.Find(prompt).has_value(); }

TEST(TextCacheTest, KnowsOnlyWhatItWasGiven) {
  TextCache cache(kBytesOfOne);

  cache.Keep("a", Encoded());

  EXPECT_TRUE(Knows(cache, "a"));
  EXPECT_FALSE(Knows(cache, "b"));
  EXPECT_FALSE(Knows(cache, ""));
}

TEST(TextCacheTest, SharesItsTensorsWithAllWhoAsk) {
  TextCache cache(kBytesOfOne);
  const EncodedPrompt given = Encoded();

  cache.Keep("a", given);

  const auto found = cache.Find("a");
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->keys_values.is_same(given.keys_values));
  EXPECT_TRUE(found->pooled.is_same(given.pooled));
  EXPECT_EQ(found->cut_text, "cut");
}

TEST(TextCacheTest, CountsEveryTensorAndText) {
  TextCache cache(10 * kBytesOfOne);

  cache.Keep("a", Encoded());
  cache.Keep("bc", Encoded());

  EXPECT_EQ(cache.bytes(), 2 * kBytesOfOne + 1);
}

TEST(TextCacheTest, ForgetsWhatWasNotAskedForTheLongest) {
  TextCache cache(3 * kBytesOfOne);
  cache.Keep("a", Encoded());
  cache.Keep("b", Encoded());
  cache.Keep("c", Encoded());
  cache.Find("a");

  cache.Keep("d", Encoded());

  EXPECT_TRUE(Knows(cache, "a"));
  EXPECT_FALSE(Knows(cache, "b"));
  EXPECT_TRUE(Knows(cache, "c"));
  EXPECT_TRUE(Knows(cache, "d"));
  EXPECT_EQ(cache.bytes(), 3 * kBytesOfOne);
}

TEST(TextCacheTest, ForgetsAsManyAsALargeOneNeeds) {
  TextCache cache(3 * kBytesOfOne);
  cache.Keep("a", Encoded());
  cache.Keep("b", Encoded());
  cache.Keep("c", Encoded());

  cache.Keep(std::string(kBytesOfOne, 'd'), Encoded());

  EXPECT_FALSE(Knows(cache, "a"));
  EXPECT_FALSE(Knows(cache, "b"));
  EXPECT_TRUE(Knows(cache, "c"));
  EXPECT_EQ(cache.bytes(), 3 * kBytesOfOne - 1);
}

TEST(TextCacheTest, DoesNotKeepWhatNeverFits) {
  TextCache cache(2 * kBytesOfOne);
  cache.Keep("a", Encoded());

  cache.Keep(std::string(kBytesOfOne + 2, 'b'), Encoded());

  EXPECT_TRUE(Knows(cache, "a"));
  EXPECT_EQ(cache.bytes(), kBytesOfOne);
}

TEST(TextCacheTest, KeepsNothingWithoutRoom) {
  TextCache cache(0);

  cache.Keep("a", Encoded());

  EXPECT_FALSE(Knows(cache, "a"));
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(TextCacheTest, KeepsTheFirstOfTwoThatReadAPromptAtOnce) {
  TextCache cache(3 * kBytesOfOne);
  const EncodedPrompt first = Encoded();
  cache.Keep("a", first);

  cache.Keep("a", Encoded());

  EXPECT_TRUE(cache.Find("a")->keys_values.is_same(first.keys_values));
  EXPECT_EQ(cache.bytes(), kBytesOfOne);
}

TEST(TextCacheTest, GivesEachPromptItsOwnWhileThreadsCompete) {
  constexpr int kPrompts = 10;
  constexpr std::size_t kKept = 3;
  TextCache cache(kKept * kBytesOfOne);
  std::vector<int> mistaken(4, 0);

  const auto work = [&](int& mistakes) {
    for (int i = 0; i < 1000; ++i) {
      const int number = i % kPrompts;
      const std::string prompt = std::to_string(number);
      if (const auto found = cache.Find(prompt)) {
        mistakes += found->pooled.item<double>() == number ? 0 : 1;
      } else {
        cache.Keep(prompt, Encoded(number));
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int& mistakes : mistaken) threads.emplace_back(work, std::ref(mistakes));
  }

  EXPECT_THAT(mistaken, ::testing::Each(0));
  EXPECT_THAT(cache.bytes(), Le(kKept * kBytesOfOne));
}

}  // namespace
}  // namespace upscaler
