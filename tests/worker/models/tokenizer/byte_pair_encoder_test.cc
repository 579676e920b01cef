#include "worker/models/tokenizer/byte_pair_encoder.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kUnknown = 99;

// a and b, each within a word and at its end, and what is merged of them.
Vocabulary SmallVocabulary() {
  return {{"a", 0},  {"b", 1},  {"a</w>", 2},  {"b</w>", 3}, {"aa", 4},
          {"ab", 5}, {"ba", 6}, {"ab</w>", 7}, {"aab", 8},   {"é", 9}};
}

BytePairEncoder Encoder(const Merges& merges) {
  return *BytePairEncoder::Create(SmallVocabulary(), merges, kUnknown);
}

TEST(BytePairEncoderTest, GivesTheBytesOfAWordWithoutMerges) {
  EXPECT_THAT(Encoder({}).Encode("aba"), ElementsAre(0, 1, 2));
  EXPECT_THAT(Encoder({}).Encode("b"), ElementsAre(3));
  EXPECT_THAT(Encoder({}).Encode(""), IsEmpty());
}

TEST(BytePairEncoderTest, GivesUnknownForBytesThatTheVocabularyLacks) {
  EXPECT_THAT(Encoder({}).Encode("axa"), ElementsAre(0, kUnknown, 2));
}

TEST(BytePairEncoderTest, PrintableBytesAreTheirOwnCharacters) {
  // U+00E9 is the character of the byte 0xE9, whatever that is in UTF-8.
  EXPECT_THAT(Encoder({}).Encode("\xe9"
                                 "a"),
              ElementsAre(9, 2));
}

TEST(BytePairEncoderTest, MergesTheEarliestPairFirst) {
  EXPECT_THAT(Encoder({{"a", "b"}, {"b", "a"}}).Encode("abab"), ElementsAre(5, 0, 3));
  EXPECT_THAT(Encoder({{"b", "a"}, {"a", "b"}}).Encode("abab"), ElementsAre(0, 6, 3));
}

TEST(BytePairEncoderTest, MergesFromLeftToRight) {
  EXPECT_THAT(Encoder({{"a", "a"}}).Encode("aaaab"), ElementsAre(4, 4, 3));
  EXPECT_THAT(Encoder({{"a", "a"}}).Encode("aaab"), ElementsAre(4, 0, 3));
}

TEST(BytePairEncoderTest, MergesWhatWasMerged) {
  EXPECT_THAT(Encoder({{"a", "b"}, {"a", "ab"}}).Encode("aabb"), ElementsAre(8, 3));
}

TEST(BytePairEncoderTest, TheEndOfAWordIsAnotherSymbol) {
  EXPECT_THAT(Encoder({{"a", "b</w>"}}).Encode("abab"), ElementsAre(0, 1, 7));
}

TEST(BytePairEncoderTest, TakesALongWord) {
  const auto ids = Encoder({{"a", "a"}}).Encode(std::string(10'000, 'a') + "b");

  ASSERT_EQ(ids.size(), 5'001U);
  EXPECT_EQ(ids.back(), 3);
}

TEST(BytePairEncoderTest, RefusesAMergeThatTheVocabularyLacks) {
  for (const auto& merge : Merges{{"b", "b"}, {"x", "a"}, {"a", "x"}}) {
    const auto encoder = BytePairEncoder::Create(SmallVocabulary(), {merge}, kUnknown);

    EXPECT_THAT(encoder, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(encoder.status().message()), HasSubstr("which the vocabulary lacks"));
  }
}

}  // namespace
}  // namespace upscaler::test
