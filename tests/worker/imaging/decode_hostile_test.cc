// What DecodeImage does with files that are broken, or made to break it.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/codec.h"

namespace upscaler {
namespace {

using namespace std::string_literals;
using test::FileOf;
using test::Gradient;
using test::StatusIs;
using test::ToVips;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

class DecodeHostileTest : public ::testing::Test {
 protected:
  // The message of a refusal, which must be one line that names the field.
  static std::string RefusalOf(const std::string& file) {
    const absl::Status status = DecodeImage(file, DecodeLimits{}).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(FieldOf(status), Optional(Eq("image")));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
    return std::string(status.message());
  }

  // Small valid files, one of each format, some with less usual features.
  static std::vector<std::string> ValidFiles() {
    const vips::VImage image = ToVips(Gradient(23, 17));
    std::vector<std::string> files;
    for (const char* suffix :
         {".png", ".png[interlace,palette]", ".jpg", ".jpg[interlace]", ".webp", ".webp[lossless]",
          ".tif", ".tif[compression=lzw,tile]", ".gif"}) {
      files.push_back(FileOf(image, suffix));
    }
    return files;
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(DecodeHostileTest, RefusesNothingAtAll) { EXPECT_EQ(RefusalOf(""), "image: is empty"); }

TEST_F(DecodeHostileTest, RefusesWhatIsNoPicture) {
  const std::string message = "image: not a picture in a known format (PNG, JPEG, WebP, TIFF, GIF)";
  EXPECT_EQ(RefusalOf("\0"s), message);
  EXPECT_EQ(RefusalOf("hello"), message);
  EXPECT_EQ(RefusalOf("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"), message);
  EXPECT_EQ(RefusalOf("P6 1 1 255 abc"), message);
  EXPECT_EQ(RefusalOf("%PDF-1.4"), message);
  EXPECT_EQ(RefusalOf("RIFF\1\0\0\0WAVEfmt "s), message);
}

TEST_F(DecodeHostileTest, RefusesASignatureAlone) {
  EXPECT_EQ(RefusalOf("\x89PNG\r\n\x1a\n"), "image: the PNG data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("\xff\xd8\xff"), "image: the JPEG data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("RIFF\4\0\0\0WEBP"s), "image: the WebP data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("II*\0"s), "image: the TIFF data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("MM\0*"s), "image: the TIFF data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("GIF89a"), "image: the GIF data is damaged or incomplete");
}

TEST_F(DecodeHostileTest, RefusesAHugePictureByItsHeader) {
  const std::string png =
      "\x89PNG\r\n\x1a\n"
      "\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0\x39\x67\x4e\x07"
      "\0\0\0\0IDAT\x35\xaf\x06\x1e"
      "\0\0\0\0IEND\xae\x42\x60\x82"s;
  const std::string gif =
      "GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0"
      ",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x4c\x01\0;"s;

  const std::string message =
      "image: 65535x65535 is 4294836225 pixels; at most 2097152 are allowed";
  EXPECT_EQ(RefusalOf(png), message);
  EXPECT_EQ(RefusalOf(gif), message);
}

TEST_F(DecodeHostileTest, RefusesAFrameThatIsLargerThanItsScreenSays) {
  const std::string gif =
      "GIF89a\4\0\4\0\x80\0\0\0\0\0\0\0\0"
      ",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x4c\x01\0;"s;

  EXPECT_THAT(RefusalOf(gif), HasSubstr("at most 2097152 are allowed"));
}

// Files are cut at many places. The few last bytes of some formats carry no pixels,
// so what is decoded from there on must be the whole picture.
TEST_F(DecodeHostileTest, NeverAnswersPartOfAPicture) {
  for (const std::string& file : ValidFiles()) {
    const auto whole = DecodeImage(file, DecodeLimits{});
    ASSERT_TRUE(whole.ok()) << whole.status();

    for (std::size_t length = 0; length < file.size(); length += 5) {
      const auto cut = DecodeImage(std::string_view(file).substr(0, length), DecodeLimits{});

      if (cut.ok()) {
        ASSERT_EQ(*cut, *whole) << file.substr(0, 4) << " cut to " << length << " of "
                                << file.size();
      } else {
        ASSERT_THAT(cut, StatusIs(absl::StatusCode::kInvalidArgument));
      }
    }
  }
}

// Bytes are changed at random, always the same ones. Any answer will do, as long
// as there is one: a picture within the limits, or a refusal.
TEST_F(DecodeHostileTest, SurvivesMutations) {
  constexpr int kCasesPerFile = 220;
  constexpr int kMostChanges = 8;
  constexpr std::int64_t kMaxPixels = 4096;
  std::mt19937 random(20240501);  // NOLINT(cert-msc51-cpp): the same cases every time.

  for (const std::string& file : ValidFiles()) {
    for (int i = 0; i < kCasesPerFile; ++i) {
      std::string mutant = file;
      for (auto changes = 1 + random() % kMostChanges; changes > 0; --changes) {
        mutant[random() % mutant.size()] = static_cast<char>(random());
      }

      const auto image = DecodeImage(mutant, {.max_pixels = kMaxPixels});

      if (image.ok()) {
        ASSERT_LE(std::int64_t{image->width} * image->height, kMaxPixels);
        ASSERT_EQ(image->pixels.size(),
                  Image::kChannels * static_cast<std::size_t>(image->width * image->height));
      } else {
        ASSERT_THAT(image, StatusIs(absl::StatusCode::kInvalidArgument));
      }
    }
  }
}

}  // namespace
}  // namespace upscaler
