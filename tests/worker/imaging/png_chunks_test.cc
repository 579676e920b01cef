#include "worker/imaging/png_chunks.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::string_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

constexpr PngLimits kLimits = {.max_profile_bytes = 1000, .max_text_bytes = 1000};

std::string Deflated(std::size_t zeros) {
  const std::string plain(zeros, '\0');
  std::string deflated(compressBound(plain.size()), '\0');
  uLongf size = deflated.size();
  compress(reinterpret_cast<Bytef*>(deflated.data()), &size,  // NOLINT(*-reinterpret-cast)
           reinterpret_cast<const Bytef*>(plain.data()), plain.size());  // NOLINT
  deflated.resize(size);
  return deflated;
}

std::string FileOf(const std::vector<std::string>& chunks) {
  std::string file = "\x89PNG\r\n\x1a\n"s;
  for (const std::string& chunk : chunks) file += chunk;
  return file + PngChunk("IEND", "");
}

void ExpectTooLarge(const std::string& file) {
  const absl::Status status = ReadPngChunks(file, kLimits).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReasonOf(status), "METADATA_TOO_LARGE");
  EXPECT_EQ(FieldOf(status), "image");
}

TEST(PngChunksTest, WritesChunksAsPngHasThem) {
  EXPECT_EQ(PngChunk("IEND", ""), "\0\0\0\0IEND\xae\x42\x60\x82"s);
}

TEST(PngChunksTest, WritesAsciiPlainlyAndOtherTextAsUtf8) {
  EXPECT_THAT(PngText("parameters", "a cat"), HasSubstr("tEXtparameters\0a cat"s));
  EXPECT_THAT(PngText("parameters", "一只猫"), HasSubstr("iTXtparameters\0\0\0\0\0一只猫"s));
}

TEST(PngChunksTest, KeepsTextsButNotXmp) {
  const std::string title = PngText("Title", "a cat");
  const std::string zipped = PngChunk("zTXt", "Comment\0\0"s + Deflated(10));

  const auto facts =
      ReadPngChunks(FileOf({title, PngXmp("<x/>"), PngChunk("IDAT", "x"), zipped}), kLimits);

  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->text, title + zipped);
  EXPECT_EQ(facts->frames, 1);
}

TEST(PngChunksTest, CountsTheFramesOfAnAnimation) {
  const auto facts = ReadPngChunks(FileOf({PngChunk("acTL", "\0\0\0\x0c\0\0\0\0"s)}), kLimits);

  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->frames, 12);
}

TEST(PngChunksTest, TakesWhatInflatesToTheLimit) {
  EXPECT_THAT(ReadPngChunks(FileOf({PngChunk("iCCP", "icc\0\0"s + Deflated(1000))}), kLimits),
              IsOk());
  EXPECT_THAT(ReadPngChunks(FileOf({PngChunk("zTXt", "a\0\0"s + Deflated(1000))}), kLimits),
              IsOk());
}

TEST(PngChunksTest, RefusesWhatInflatesToMore) {
  ExpectTooLarge(FileOf({PngChunk("iCCP", "icc\0\0"s + Deflated(1001))}));
  ExpectTooLarge(FileOf({PngChunk("zTXt", "a\0\0"s + Deflated(1001))}));
  ExpectTooLarge(FileOf({PngChunk("iTXt", "a\0\1\0en\0b\0"s + Deflated(1001))}));
  ExpectTooLarge(FileOf({PngChunk("tEXt", "a\0"s + std::string(1000, 'x'))}));
  ExpectTooLarge(FileOf({PngChunk("eXIf", std::string(1001, 'x'))}));
}

TEST(PngChunksTest, RefusesProfilesThatAreTooMuchTogether) {
  const std::string profile = PngChunk("iCCP", "icc\0\0"s + Deflated(501));
  EXPECT_THAT(ReadPngChunks(FileOf({profile}), kLimits), IsOk());
  ExpectTooLarge(FileOf({profile, profile}));
}

TEST(PngChunksTest, RefusesTextsThatAreTooMuchTogether) {
  const std::string text = PngChunk("zTXt", "a\0\0"s + Deflated(501));
  EXPECT_THAT(ReadPngChunks(FileOf({text}), kLimits), IsOk());
  ExpectTooLarge(FileOf({text, text}));
  ExpectTooLarge(FileOf(std::vector<std::string>(1001, PngChunk("tEXt", ""))));
}

TEST(PngChunksTest, LeavesDamageToWhoReadsTheFile) {
  const std::string file = FileOf({PngText("Title", "a cat"), PngChunk("IDAT", "x")});
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_THAT(ReadPngChunks(file.substr(0, length), kLimits), IsOk()) << length;
  }
  EXPECT_THAT(ReadPngChunks(FileOf({PngChunk("iTXt", "a"), PngChunk("iCCP", ""),
                                    PngChunk("zTXt", "a\0\0garbage"s), PngChunk("acTL", "")}),
                            kLimits),
              IsOk());
}

TEST(PngChunksTest, ChoosesAmongTexts) {
  const std::string title = PngText("Title", "a");
  const std::string author = PngText("Author", "b");

  EXPECT_EQ(KeepPngTexts(title + author, [](std::string_view key) { return key != "Title"; }),
            author);
}

}  // namespace
}  // namespace upscaler
