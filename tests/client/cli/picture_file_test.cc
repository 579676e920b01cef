#include "client/cli/picture_file.h"

#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::Optional;

class PictureFileTest : public ::testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::istringstream in_{std::string("piped\0bytes", 11)};
  std::ostringstream out_;
};

TEST_F(PictureFileTest, ReadsAFileWhole) {
  const auto bytes = ReadPicture(folder_.Write("a.png", "bytes\n"), in_);

  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(*bytes, "bytes\n");
}

TEST_F(PictureFileTest, ReadsStandardInput) {
  const auto bytes = ReadPicture("-", in_);

  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(*bytes, std::string("piped\0bytes", 11));
}

TEST_F(PictureFileTest, RefusesAMissingFileAndAFolder) {
  EXPECT_THAT(ReadPicture(folder_.Path("missing.png"), in_), StatusIs(absl::StatusCode::kUnknown));
  EXPECT_THAT(ReadPicture(folder_.Path(""), in_), StatusIs(absl::StatusCode::kUnknown));
}

TEST_F(PictureFileTest, WritesAFileAndLeavesNothingBeside) {
  folder_.Write("a.png", "what was there before");

  EXPECT_THAT(WritePicture(folder_.Path("a.png"), "new", out_), IsOk());

  EXPECT_EQ(folder_.Read("a.png"), "new");
  EXPECT_EQ(folder_.file_count(), 1U);
}

TEST_F(PictureFileTest, WritesAFileWithALongNameBesideOneThatWasLeftBehind) {
  const std::string name = std::string(250, 'a') + ".png";
  folder_.Write(fmt::format(".upscale-{}-0.part", ::getpid()), "left behind");

  EXPECT_THAT(WritePicture(folder_.Path(name), "new", out_), IsOk());

  EXPECT_EQ(folder_.Read(name), "new");
  EXPECT_EQ(folder_.file_count(), 2U);
}

TEST_F(PictureFileTest, KeepsTheModeOfAFileThatItReplaces) {
  constexpr auto kPrivate =
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
  folder_.Write("a.png", "old");
  std::filesystem::permissions(folder_.Path("a.png"), kPrivate);

  EXPECT_THAT(WritePicture(folder_.Path("a.png"), "new", out_), IsOk());

  EXPECT_EQ(std::filesystem::status(folder_.Path("a.png")).permissions(), kPrivate);
}

TEST_F(PictureFileTest, WritesThroughALink) {
  folder_.Write("real.png", "old");
  std::filesystem::create_symlink("real.png", folder_.Path("link.png"));

  EXPECT_THAT(WritePicture(folder_.Path("link.png"), "new", out_), IsOk());

  EXPECT_TRUE(std::filesystem::is_symlink(folder_.Path("link.png")));
  EXPECT_EQ(folder_.Read("real.png"), "new");
}

TEST_F(PictureFileTest, LeavesADeviceADevice) {
  std::filesystem::create_symlink("/dev/null", folder_.Path("null"));

  EXPECT_THAT(WritePicture(folder_.Path("null"), "new", out_), IsOk());

  EXPECT_TRUE(std::filesystem::is_character_file(folder_.Path("null")));
}

TEST_F(PictureFileTest, FailsWhereThereIsNoFolder) {
  EXPECT_THAT(WritePicture(folder_.Path("no/a.png"), "new", out_),
              StatusIs(absl::StatusCode::kUnknown));
  EXPECT_THAT(CheckFolderOf(folder_.Path("no/a.png")), StatusIs(absl::StatusCode::kUnknown));
  EXPECT_THAT(CheckFolderOf(folder_.Path("a.png")), IsOk());
  EXPECT_THAT(CheckFolderOf("a.png"), IsOk());
}

TEST_F(PictureFileTest, WritesToStandardOutput) {
  EXPECT_THAT(WritePicture("-", "bytes", out_), IsOk());
  EXPECT_EQ(out_.str(), "bytes");
}

TEST(NumberedPathTest, PutsTheNumberBeforeTheSuffix) {
  EXPECT_EQ(NumberedPath("out/cat.big.png", 2), "out/cat.big-2.png");
  EXPECT_EQ(NumberedPath("cat", 1), "cat-1");
}

TEST(FormatOfPathTest, KnowsTheSuffixes) {
  EXPECT_THAT(FormatOfPath("a.png"), Optional(v1::IMAGE_FORMAT_PNG));
  EXPECT_THAT(FormatOfPath("a.JPG"), Optional(v1::IMAGE_FORMAT_JPEG));
  EXPECT_THAT(FormatOfPath("a.jpeg"), Optional(v1::IMAGE_FORMAT_JPEG));
  EXPECT_THAT(FormatOfPath("a.webp"), Optional(v1::IMAGE_FORMAT_WEBP));
  EXPECT_THAT(FormatOfPath("a.tif"), Optional(v1::IMAGE_FORMAT_TIFF));
  EXPECT_THAT(FormatOfPath("a.TIFF"), Optional(v1::IMAGE_FORMAT_TIFF));
  EXPECT_THAT(FormatOfPath("a.avif"), Optional(v1::IMAGE_FORMAT_AVIF));
  EXPECT_EQ(FormatOfPath("a.bmp"), std::nullopt);
  EXPECT_EQ(FormatOfPath("png"), std::nullopt);
}

}  // namespace
}  // namespace upscaler
