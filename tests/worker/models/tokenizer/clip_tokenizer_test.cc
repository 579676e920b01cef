#include "worker/models/tokenizer/clip_tokenizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kData = UPSCALER_SOURCE_DIR "/tests/data/tokenizer/";
constexpr const char* kDemo = UPSCALER_SOURCE_DIR "/checkpoints/demo/tokenizer";

// A code point below U+0800 as UTF-8.
std::string Utf8(unsigned code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xC0 | (code_point >> 6)),
          static_cast<char>(0x80 | (code_point & 0x3F))};
}

// CLIP's vocabulary, which follows from its merges: a character for each byte,
// the same at the end of a word, what is merged, and two special tokens.
nlohmann::json ClipVocabulary(const std::filesystem::path& merges_path) {
  std::vector<std::string> symbols;
  for (const auto& [first, last] :
       {std::pair(33U, 126U), {161U, 172U}, {174U, 255U}, {256U, 323U}}) {
    for (unsigned code_point = first; code_point <= last; ++code_point) {
      symbols.push_back(Utf8(code_point));
    }
  }
  for (std::size_t i = 0; i < 256; ++i) symbols.push_back(symbols[i] + "</w>");
  std::ifstream merges(merges_path);
  std::string left;
  std::string right;
  std::getline(merges, left);  // The version.
  while (merges >> left >> right) symbols.push_back(left + right);
  symbols.emplace_back("<|startoftext|>");
  symbols.emplace_back("<|endoftext|>");

  nlohmann::json ids;
  for (const std::string& symbol : symbols) ids.emplace(symbol, ids.size());
  return ids;
}

ClipTokenizer LoadClip() {
  const TemporaryFolder folder;
  const auto merges = std::filesystem::path(kData) / "clip_merges.txt";
  std::filesystem::copy(merges, folder.path() / "merges.txt");
  for (const char* file : {"tokenizer_config.json", "special_tokens_map.json"}) {
    std::filesystem::copy(std::filesystem::path(kDemo) / file, folder.path());
  }
  folder.Write("vocab.json", ClipVocabulary(merges).dump());
  return ClipTokenizer::Load(folder.path()).value();
}

class ClipTokenizerTest : public ::testing::Test {
 protected:
  // The ids up to the end of the text, which is also the padding.
  static std::vector<std::int64_t> Ids(const ClipTokenizer& tokenizer, const std::string& prompt) {
    const TokenizedPrompt tokenized = tokenizer.Tokenize(prompt);
    EXPECT_THAT(tokenized.ids, SizeIs(tokenizer.max_length()));
    const auto end = tokenized.ids.begin() + 1 +
                     static_cast<std::ptrdiff_t>(std::min<std::size_t>(tokenized.token_count, 75));
    EXPECT_THAT(std::vector(end, tokenized.ids.end()), Each(tokenizer.end_of_text()));
    return {tokenized.ids.begin(), end + 1};
  }

  const ClipTokenizer demo_ = ClipTokenizer::Load(kDemo).value();
};

TEST_F(ClipTokenizerTest, GivesThePublishedModelsIds) {
  const ClipTokenizer clip = LoadClip();
  const std::vector<std::pair<std::string, std::vector<std::int64_t>>> expectations = {
      {"", {}},
      {"a photo of an astronaut high resolution, unreal engine, ultra realistic",
       {320, 1125, 539, 550, 18376, 1400, 9977, 267, 15636, 5857, 267, 8118, 16157}},
      {"the temple of fire by Ross Tran and Gerardo Dottori, oil on canvas",
       {518, 5620, 539, 1769, 638, 2158, 22031, 537, 1291, 9394, 7473, 17539, 267, 2870, 525,
        7483}},
      {"A painting of a squirrel eating a burger", {320, 3086, 539, 320, 14004, 4371, 320, 6548}},
      {"  Hello,\t WORLD!!  it's 2024's  Über-Café ",
       {3306, 267, 1002, 748, 585, 568, 273, 271, 273, 275, 568, 6522, 1516, 268, 15304}},
      {"I'M don't WE'LL can't", {328, 880, 847, 713, 649, 1342, 753, 713}},
      {"数字123 漢字かな",
       {162, 243, 108, 35751, 501, 272, 273, 274, 162, 120, 95, 35751, 245, 4813, 36218, 359}},
      {"emoji 😀👍🏽 end", {16327, 12832, 43722, 806}},
      {"cafe\u0301", {15304}},
      {"don’t", {847, 728, 503, 339}},
      {"1.5x 3/4 100%", {272, 269, 276, 343, 274, 270, 275, 272, 271, 271, 260}},
      {"#hash @at __under__ ~~", {258, 19199, 287, 536, 3838, 1798, 3838, 16671}},
      {"<|endoftext|> foo", {49407, 23435}},
  };

  for (const auto& [prompt, ids] : expectations) {
    std::vector<std::int64_t> wanted = {49406};
    wanted.insert(wanted.end(), ids.begin(), ids.end());
    wanted.push_back(49407);
    EXPECT_THAT(Ids(clip, prompt), ElementsAreArray(wanted)) << prompt;
  }
}

TEST_F(ClipTokenizerTest, GivesTheReferencesIdsForTextOfEveryKind) {
  const ClipTokenizer clip = LoadClip();
  std::ifstream file(std::string(kData) + "expectations.json");
  const auto rows = nlohmann::json::parse(file);
  ASSERT_THAT(rows, SizeIs(200));

  for (const auto& row : rows) {
    const auto text = row.at("text").get<std::string>();
    EXPECT_THAT(Ids(demo_, text), ElementsAreArray(row.at("demo"))) << text;
    EXPECT_THAT(Ids(clip, text), ElementsAreArray(row.at("clip"))) << text;
  }
}

TEST_F(ClipTokenizerTest, TakesTheIdsFromTheFolder) {
  EXPECT_EQ(demo_.Tokenize("").ids.front(), 2046);
  EXPECT_EQ(demo_.end_of_text(), 2047);
  EXPECT_EQ(demo_.vocabulary_size(), 2048);
  EXPECT_EQ(demo_.max_length(), 77);
}

TEST_F(ClipTokenizerTest, ReadsBothFormsOfAFolderAlike) {
  const std::filesystem::path narrow = UPSCALER_SOURCE_DIR "/tests/data/golden/narrow/tokenizer";
  const TemporaryFolder one_file;
  const TemporaryFolder two_files;
  std::filesystem::copy(narrow / "tokenizer.json", one_file.path());
  std::filesystem::copy(narrow / "vocab.json", two_files.path());
  std::filesystem::copy(narrow / "merges.txt", two_files.path());
  const std::string prompt = "A sharp, highly detailed photo <|endoftext|> of 2 cafés";

  const auto one = ClipTokenizer::Load(one_file.path());
  const auto two = ClipTokenizer::Load(two_files.path());

  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  EXPECT_EQ(one->Tokenize(prompt).ids, two->Tokenize(prompt).ids);
}

TEST_F(ClipTokenizerTest, CutsWhatDoesNotFitAndSaysWhat) {
  std::string prompt;
  for (int i = 0; i < 75; ++i) prompt += "1 ";

  const TokenizedPrompt fits = demo_.Tokenize(prompt);
  const TokenizedPrompt cut = demo_.Tokenize(prompt + "A Dog.");

  EXPECT_EQ(fits.token_count, 75U);
  EXPECT_THAT(fits.cut_text, IsEmpty());
  EXPECT_EQ(cut.ids, fits.ids);
  EXPECT_GT(cut.token_count, 77U);
  EXPECT_EQ(cut.cut_text, "a dog .");
}

TEST_F(ClipTokenizerTest, AWordThatFitsInPartIsNamedAsCut) {
  const TokenizedPrompt cut = demo_.Tokenize(std::string(80, '\x7f'));

  EXPECT_EQ(cut.token_count, 80U);
  EXPECT_EQ(cut.cut_text, std::string(80, '\x7f'));
}

TEST_F(ClipTokenizerTest, TakesAPromptOfOneEndlessWord) {
  EXPECT_GT(demo_.Tokenize(std::string(10'000, 'z')).token_count, 75U);
}

TEST_F(ClipTokenizerTest, TakesBytesThatAreNotUtf8) {
  EXPECT_EQ(demo_.Tokenize("a\xff").ids, demo_.Tokenize("a\ufffd").ids);
}

TEST_F(ClipTokenizerTest, NamesTheFolderThatHasNone) {
  const auto tokenizer = ClipTokenizer::Load("/nowhere");

  EXPECT_THAT(tokenizer, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(tokenizer.status().message()), StartsWith("/nowhere"));
}

}  // namespace
}  // namespace upscaler::test
