#include "worker/models/tokenizer/prompt_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PromptTextTest, ComposesCharacters) {
  EXPECT_EQ(NormalizeText("cafe\u0301"), "caf\u00e9");
  EXPECT_EQ(NormalizeText("\u1100\u1161\u11a8"), "\uac01");
}

TEST(PromptTextTest, LowersEachCharacterByItself) {
  EXPECT_EQ(NormalizeText("ÜBER Café"), "über café");
  EXPECT_EQ(NormalizeText("ΑΣ"), "ασ");
  EXPECT_EQ(NormalizeText("\u0130"), "i\u0307");
  EXPECT_EQ(NormalizeText("\u1e9e"), "ß");
}

TEST(PromptTextTest, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(NormalizeText("a\xff"
                          "b"),
            "a\ufffdb");
  EXPECT_EQ(NormalizeText("a\xe6\x95"), "a\ufffd");
}

TEST(PromptTextTest, KeepsCharactersBeyondTheFirstPlane) {
  EXPECT_EQ(NormalizeText("😀 \U00010400"), "😀 \U00010428");
}

TEST(PromptTextTest, SplitsAtSpacesOfEveryKind) {
  EXPECT_THAT(SplitWords("a b\tc\u00a0d\u2003e\u3000f\u0085g"),
              ElementsAre("a", "b", "c", "d", "e", "f", "g"));
  EXPECT_THAT(SplitWords(" \n "), IsEmpty());
  EXPECT_THAT(SplitWords(""), IsEmpty());
}

TEST(PromptTextTest, SplitsLettersDigitsAndSymbols) {
  EXPECT_THAT(SplitWords("x2go!? (ok)"), ElementsAre("x", "2", "go", "!?", "(", "ok", ")"));
  EXPECT_THAT(SplitWords("2024"), ElementsAre("2", "0", "2", "4"));
  EXPECT_THAT(SplitWords("½Ⅷ"), ElementsAre("½", "Ⅷ"));
  EXPECT_THAT(SplitWords("漢字かな123"), ElementsAre("漢字かな", "1", "2", "3"));
  EXPECT_THAT(SplitWords("😀👍 ok"), ElementsAre("😀👍", "ok"));
}

TEST(PromptTextTest, SplitsContractionsOff) {
  EXPECT_THAT(SplitWords("don't we'll i'm they've you're he'd it's"),
              ElementsAre("don", "'t", "we", "'ll", "i", "'m", "they", "'ve", "you", "'re", "he",
                          "'d", "it", "'s"));
  EXPECT_THAT(SplitWords("'star rock'n'roll"),
              ElementsAre("'s", "tar", "rock", "'", "n", "'", "roll"));
  EXPECT_THAT(SplitWords("!'s"), ElementsAre("!'", "s"));
}

TEST(PromptTextTest, TellsATokensNameFromTheSymbolsAfterIt) {
  EXPECT_THAT(SplitWords("<|endoftext|>!!"), ElementsAre("<|", "endoftext", "|>", "!!"));
  EXPECT_THAT(SplitWords("<|startoftext|>"), ElementsAre("<|", "startoftext", "|>"));
  EXPECT_THAT(SplitWords("<|text|>!!"), ElementsAre("<|", "text", "|>!!"));
}

}  // namespace
}  // namespace upscaler::test
