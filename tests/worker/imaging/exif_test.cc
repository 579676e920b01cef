#include "worker/imaging/exif.h"

#include <cstddef>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips8>

#include "tests/support/started_vips.h"
#include "tests/worker/imaging/sample_files.h"

namespace upscaler {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class EditExifTest : public ::testing::Test {
 protected:
  // EXIF of a camera, with where it was, how it was held, and a thumbnail.
  static std::string Sample() {
    const std::string file = test::FileWithExif(".jpg");
    vips::VImage image = test::Open(file).copy();
    image.set(VIPS_META_ORIENTATION, 6);
    std::string thumbnail = "this is a thumbnail";
    image.set("jpeg-thumbnail-data", nullptr, thumbnail.data(), thumbnail.size());
    return test::BlobOfFile(test::FileOf(image, ".jpg"), VIPS_META_EXIF_NAME);
  }

  // A field of EXIF as libvips reads it; "" where it is not there.
  static std::string Field(const std::string& exif, const char* name) {
    vips::VImage image = vips::VImage::black(1, 1).copy();
    test::SetBlob(image, VIPS_META_EXIF_NAME, exif);
    return image.get_typeof(name) == 0 ? "" : image.get_string(name);
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(EditExifTest, SaysWhatIsTrueOfTheAnswer) {
  const std::string sample = Sample();
  ASSERT_THAT(Field(sample, "exif-ifd0-Orientation"), StartsWith("6"));
  ASSERT_THAT(sample, HasSubstr("this is a thumbnail"));

  const std::string edited = EditExif(sample, {.width = 300, .height = 70'000});

  EXPECT_THAT(edited, StartsWith("Exif\0\0"s));
  EXPECT_THAT(Field(edited, "exif-ifd0-Orientation"), StartsWith("1"));
  EXPECT_THAT(Field(edited, "exif-ifd2-PixelXDimension"), StartsWith("300 "));
  EXPECT_THAT(Field(edited, "exif-ifd2-PixelYDimension"), StartsWith("70000 "));
  EXPECT_THAT(Field(edited, "exif-ifd0-Make"), StartsWith("Kodak"));
  EXPECT_THAT(edited, Not(HasSubstr("this is a thumbnail")));
}

TEST_F(EditExifTest, ForgetsWhereItWasUnlessItMayNot) {
  const std::string sample = Sample();
  ASSERT_THAT(Field(sample, "exif-ifd3-GPSLatitude"), StartsWith("48/1"));

  EXPECT_EQ(Field(EditExif(sample, {}), "exif-ifd3-GPSLatitude"), "");
  EXPECT_THAT(Field(EditExif(sample, {.keep_location = true}), "exif-ifd3-GPSLatitude"),
              StartsWith("48/1 12/1 7/1"));
}

TEST_F(EditExifTest, TakesTheTiffStructureAloneToo) {
  EXPECT_EQ(EditExif(Sample().substr(6), {.width = 3}), EditExif(Sample(), {.width = 3}));
}

TEST_F(EditExifTest, CarriesACommentInAscii) {
  const std::string edited = EditExif(Sample(), {.comment = "a cat, steps 20"});

  EXPECT_THAT(edited, HasSubstr("ASCII\0\0\0a cat, steps 20"s));
  EXPECT_THAT(Field(edited, "exif-ifd2-UserComment"), StartsWith("a cat, steps 20"));
  EXPECT_THAT(Field(edited, "exif-ifd0-Make"), StartsWith("Kodak"));
}

TEST_F(EditExifTest, CarriesACommentInAnyLanguage) {
  // Of nothing, so that it is in the byte order that other programs expect. The last letter
  // needs two numbers.
  const std::string edited = EditExif("", {.width = 5, .height = 6, .comment = "猫ü🐈"});

  EXPECT_THAT(edited, HasSubstr("UNICODE\0\x73\x2b\x00\xfc\xd8\x3d\xdc\x08"s));
  EXPECT_THAT(Field(edited, "exif-ifd2-PixelXDimension"), StartsWith("5 "));
}

TEST_F(EditExifTest, ChangesNothingTheSecondTime) {
  const ExifEdit edit = {.width = 8, .height = 9, .keep_location = true, .comment = "猫"};
  const std::string once = EditExif(Sample(), edit);

  EXPECT_EQ(EditExif(once, edit), once);
}

TEST_F(EditExifTest, MakesNothingOfWhatIsNoExif) {
  EXPECT_EQ(EditExif("garbage", {.width = 3}), "");
  EXPECT_EQ(EditExif("Exif\0\0"s, {.width = 3}), "");
}

TEST_F(EditExifTest, SurvivesDamage) {
  const std::string sample = Sample();
  for (std::size_t length = 0; length < sample.size(); ++length) {
    EditExif(sample.substr(0, length), {.keep_location = true});
  }
  for (std::size_t i = 0; i < sample.size(); ++i) {
    std::string damaged = sample;
    damaged[i] = '\xff';
    EXPECT_LT(EditExif(damaged, {.keep_location = true}).size(), 2 * sample.size() + 200);
  }
}

TEST_F(EditExifTest, TakesNoMoreThanThereIsWhereValuesOverlap) {
  // A thousand entries that all claim the same 60,000 bytes.
  std::string exif = "II*\0\x08\0\0\0\xe8\x03"s;
  for (int i = 0; i < 1000; ++i) {
    exif += static_cast<char>(i & 0xff);
    exif += static_cast<char>(0x20 + i / 256);
    exif += "\7\0\x60\xea\0\0\x08\0\0\0"s;
  }
  exif.resize(70'000);

  EXPECT_LT(EditExif(exif, {}).size(), 2 * exif.size());
}

}  // namespace
}  // namespace upscaler
