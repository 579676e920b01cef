#include "worker/models/tokenizer/tokenizer_files.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A token of this text, which is looked for in the normalized text or not.
auto IsToken(const std::string& text, std::int64_t id, bool normalized) {
  return AllOf(Field(&AddedToken::text, text), Field(&AddedToken::id, id),
               Field(&AddedToken::normalized, normalized));
}

class TokenizerFilesTest : public ::testing::Test {
 protected:
  void WriteVocabularyAndMerges() const {
    folder_.Write("vocab.json",
                  R"({"a": 0, "b": 1, "ab": 2, "<|startoftext|>": 3, "<|endoftext|>": 4})");
    folder_.Write("merges.txt", "#version: 0.2\na b\n");
  }

  absl::StatusOr<TokenizerFiles> Read() const { return ReadTokenizerFiles(folder_.path()); }

  void ExpectRefused(const std::string& message) const {
    const auto files = Read();

    EXPECT_THAT(files, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(files.status().message()), HasSubstr(message));
  }

  const TemporaryFolder folder_;
};

TEST_F(TokenizerFilesTest, ReadsVocabularyAndMerges) {
  WriteVocabularyAndMerges();

  const auto files = Read();

  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->vocabulary.at("ab"), 2);
  EXPECT_THAT(files->merges, ElementsAre(Pair("a", "b")));
  EXPECT_EQ(files->vocabulary_size, 5);
  EXPECT_EQ(files->max_length, 77);
  EXPECT_EQ(files->special.start_of_text, 3);
  EXPECT_EQ(files->special.end_of_text, 4);
  EXPECT_EQ(files->special.padding, 4);
  EXPECT_EQ(files->special.unknown, 4);
}

TEST_F(TokenizerFilesTest, ReadsTokenizerJsonWithMergesOfBothForms) {
  folder_.Write("tokenizer.json", R"({
      "added_tokens": [
        {"id": 3, "content": "<|startoftext|>", "normalized": true},
        {"id": 4, "content": "<|endoftext|>", "normalized": false}],
      "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 4},
                "merges": ["a b", ["b", "a"]]}})");

  const auto files = Read();

  ASSERT_THAT(files, IsOk());
  EXPECT_THAT(files->merges, ElementsAre(Pair("a", "b"), Pair("b", "a")));
  EXPECT_EQ(files->special.start_of_text, 3);
  EXPECT_THAT(files->added_tokens,
              ElementsAre(IsToken("<|startoftext|>", 3, true), IsToken("<|endoftext|>", 4, false)));
}

TEST_F(TokenizerFilesTest, ReadsSpecialTokensAndLengthFromTheConfig) {
  WriteVocabularyAndMerges();
  folder_.Write("tokenizer_config.json", R"({"model_max_length": 16, "pad_token": "a",
      "unk_token": {"content": "b", "normalized": true}})");

  const auto files = Read();

  ASSERT_THAT(files, IsOk());
  EXPECT_EQ(files->max_length, 16);
  EXPECT_EQ(files->special.padding, 0);
  EXPECT_EQ(files->special.unknown, 1);
  EXPECT_THAT(files->added_tokens,
              UnorderedElementsAre(IsToken("a", 0, false), IsToken("b", 1, true),
                                   IsToken("<|startoftext|>", 3, false),
                                   IsToken("<|endoftext|>", 4, false)));
}

TEST_F(TokenizerFilesTest, SpecialTokensMapHasTheLastWord) {
  WriteVocabularyAndMerges();
  folder_.Write("tokenizer_config.json", R"({"pad_token": "a"})");
  folder_.Write("special_tokens_map.json", R"({"pad_token": "b"})");

  EXPECT_EQ(Read()->special.padding, 1);
}

TEST_F(TokenizerFilesTest, ATokenIsNormalizedIfAllItsRolesSaySo) {
  WriteVocabularyAndMerges();
  const auto token = R"({"content": "<|endoftext|>", "normalized": true})";
  folder_.Write("special_tokens_map.json",
                fmt::format(R"({{"bos_token": {{"content": "<|startoftext|>", "normalized": true}},
                               "eos_token": {0}, "unk_token": {0}, "pad_token": "<|endoftext|>"}})",
                            token));

  EXPECT_THAT(Read()->added_tokens, UnorderedElementsAre(IsToken("<|startoftext|>", 3, true),
                                                         IsToken("<|endoftext|>", 4, false)));
}

TEST_F(TokenizerFilesTest, TakesAddedTokensThatTheConfigLists) {
  WriteVocabularyAndMerges();
  folder_.Write("tokenizer_config.json", R"({"added_tokens_decoder": {
      "4": {"content": "<|endoftext|>", "normalized": true}, "7": {"content": "<new>"}}})");

  const auto files = Read();

  ASSERT_THAT(files, IsOk());
  EXPECT_THAT(files->added_tokens,
              UnorderedElementsAre(IsToken("<|endoftext|>", 4, true), IsToken("<new>", 7, false),
                                   IsToken("<|startoftext|>", 3, false)));
  EXPECT_EQ(files->vocabulary_size, 8);
}

TEST_F(TokenizerFilesTest, RefusesAFolderWithoutATokenizer) {
  ExpectRefused("has no tokenizer, wanted tokenizer.json or vocab.json and merges.txt");
}

TEST_F(TokenizerFilesTest, RefusesDamagedVocabularyAndMerges) {
  WriteVocabularyAndMerges();
  folder_.Write("merges.txt", "a b c\n");
  ExpectRefused("merges.txt: 'a b c' is not two symbols with a space between");
  folder_.Write("vocab.json", R"({"a": -1})");
  ExpectRefused("vocab.json: the id of 'a' is not one");
  folder_.Write("vocab.json", "[");
  ExpectRefused("vocab.json is not valid JSON");
}

TEST_F(TokenizerFilesTest, RefusesADamagedTokenizerJson) {
  folder_.Write("tokenizer.json", R"({"model": {"type": "WordPiece"}})");
  ExpectRefused("'model' is not a byte-pair encoding");
  folder_.Write("tokenizer.json", R"({"model": {"vocab": []}})");
  ExpectRefused("the vocabulary is not a JSON object");
  folder_.Write("tokenizer.json", R"({"model": {"vocab": {}, "merges": 7}})");
  ExpectRefused("'merges' is not a list");
  folder_.Write("tokenizer.json", R"({"model": {"vocab": {}, "merges": [7]}})");
  ExpectRefused("merge 0 is not two symbols");
  folder_.Write("tokenizer.json",
                R"({"model": {"vocab": {}, "merges": []}, "added_tokens": ["x"]})");
  ExpectRefused("an added token is not a JSON object with an id");
  folder_.Write("tokenizer.json", R"({"model": {"vocab": {"a": 1}, "merges": []},
                                      "added_tokens": [{"id": 2, "content": "a"}]})");
  ExpectRefused("token 'a' has the id 2, but 1 in the vocabulary");
}

TEST_F(TokenizerFilesTest, RefusesSpecialTokensThatMakeNoSense) {
  WriteVocabularyAndMerges();
  folder_.Write("tokenizer_config.json", R"({"pad_token": "!"})");
  ExpectRefused("token '!' is not in the vocabulary");
  folder_.Write("tokenizer_config.json", R"({"pad_token": {"content": 7}})");
  ExpectRefused("a token has no text");
  folder_.Write("tokenizer_config.json", R"({"pad_token": {"content": "a", "lstrip": true}})");
  ExpectRefused("'lstrip' of token 'a' is true, which is not supported");
  folder_.Write("tokenizer_config.json", R"({"model_max_length": 2})");
  ExpectRefused("'model_max_length' is 2, wanted an integer from 3 to 65536");
}

}  // namespace
}  // namespace upscaler::test
