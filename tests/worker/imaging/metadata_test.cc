// What answers keep of what their picture came with, through files of every format.

#include "worker/imaging/metadata.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips8>

#include "common/error_details.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/encode.h"
#include "worker/imaging/png_chunks.h"

namespace upscaler {
namespace {

using namespace std::string_literals;
using test::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using vips::VImage;

constexpr double kDotsPerMillimetre = 300 / 25.4;

class MetadataTest : public ::testing::Test {
 protected:
  static PictureTraits Traits() {
    return {.profile = test::BlobOf(test::InProfile(test::Flat(1, 1, {0, 0, 0}), "p3"),
                                    VIPS_META_ICC_NAME),
            .exif = test::BlobOfFile(test::FileWithExif(".jpg"), VIPS_META_EXIF_NAME),
            .xmp =
                "<x:xmpmeta xmlns:x='adobe:ns:meta/'><a exif:GPSLatitude='48,12N' b:c='d'/>"
                "</x:xmpmeta>",
            .iptc = "\x1c\x02\x78\0\7Felidae"s,
            .description = "as it was described",
            .png_text = PngText("Title", "a title") + PngText("parameters", "an older prompt") +
                        PngText("Raw profile type exif", "GPS in hexadecimal"),
            .horizontal_resolution = kDotsPerMillimetre,
            .vertical_resolution = kDotsPerMillimetre / 2};
  }

  static std::string Answer(const EncodeOptions& options) {
    const auto file = EncodePicture(test::Ramps(12, 10), 12, 10, Traits(), options);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? *file : "";
  }

  static std::string Text(const VImage& image, const char* name) {
    return image.get_typeof(name) == 0 ? "" : image.get_string(name);
  }

  static std::string Blob(const VImage& image, const char* name) {
    return image.get_typeof(name) == 0 ? "" : test::BlobOf(image, name);
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(MetadataTest, KeepsWhatTheFormatCanCarryButNotWhereItWas) {
  for (const ImageFormat format : WritableFormats()) {
    const std::string file = Answer({.format = format});
    const VImage answer = test::Open(file);
    SCOPED_TRACE(NameOf(format));

    EXPECT_EQ(Blob(answer, VIPS_META_ICC_NAME), Traits().profile);
    EXPECT_THAT(Blob(answer, VIPS_META_XMP_NAME), HasSubstr("b:c='d'"));
    EXPECT_THAT(Blob(answer, VIPS_META_XMP_NAME), Not(HasSubstr("GPS")));
    EXPECT_EQ(Text(answer, "exif-ifd3-GPSLatitude"), "");
    PictureTraits seen;
    TakeMetadata(answer, seen);
    EXPECT_NEAR(seen.horizontal_resolution, kDotsPerMillimetre, 0.02);
    EXPECT_NEAR(seen.vertical_resolution, kDotsPerMillimetre / 2, 0.02);
    if (format == ImageFormat::kTiff) {
      EXPECT_EQ(Text(answer, VIPS_META_IMAGEDESCRIPTION), "as it was described");
    } else {
      EXPECT_THAT(Text(answer, "exif-ifd0-Make"), StartsWith("Kodak"));
      EXPECT_THAT(Text(answer, "exif-ifd2-PixelXDimension"), StartsWith("12 "));
    }
    if (format == ImageFormat::kJpeg || format == ImageFormat::kTiff) {
      EXPECT_THAT(file, HasSubstr("Felidae"));
    }
  }
}

TEST_F(MetadataTest, KeepsTheLocationWhereAsked) {
  for (const ImageFormat format : WritableFormats()) {
    const std::string file = Answer({.format = format, .metadata = MetadataPolicy::kKeepAll});
    const VImage answer = test::Open(file);

    EXPECT_THAT(Blob(answer, VIPS_META_XMP_NAME), HasSubstr("GPSLatitude")) << NameOf(format);
    if (format == ImageFormat::kTiff) continue;
    EXPECT_THAT(Text(answer, "exif-ifd3-GPSLatitude"), StartsWith("48/1")) << NameOf(format);
  }
}

TEST_F(MetadataTest, KeepsTheColoursAlone) {
  for (const ImageFormat format : WritableFormats()) {
    const std::string file = Answer({.format = format, .metadata = MetadataPolicy::kColour});
    const VImage answer = test::Open(file);

    EXPECT_EQ(Blob(answer, VIPS_META_ICC_NAME), Traits().profile) << NameOf(format);
    PictureTraits seen;
    TakeMetadata(answer, seen);
    EXPECT_NEAR(seen.horizontal_resolution, kDotsPerMillimetre, 0.02);
    for (const char* text : {"Kodak", "xmpmeta", "Felidae", "described", "title", "prompt"}) {
      EXPECT_THAT(file, Not(HasSubstr(text))) << NameOf(format);
    }
  }
}

TEST_F(MetadataTest, KeepsNothing) {
  for (const ImageFormat format : WritableFormats()) {
    for (const std::string& parameters : {""s, "some words"s}) {
      const std::string file =
          Answer({.format = format, .metadata = MetadataPolicy::kStrip, .parameters = parameters});
      const VImage answer = test::Open(file);

      EXPECT_EQ(Blob(answer, VIPS_META_ICC_NAME), "") << NameOf(format);
      EXPECT_THAT(file, HasSubstr(parameters));
      for (const char* text : {"Kodak", "xmpmeta", "Felidae", "described", "title", "prompt"}) {
        EXPECT_THAT(file, Not(HasSubstr(text))) << NameOf(format);
      }
      EXPECT_LT(answer.xres(), kDotsPerMillimetre / 2) << NameOf(format);
    }
  }
}

TEST_F(MetadataTest, SaysHowThePictureWasMade) {
  for (const std::string& parameters : {"a cat\nSteps: 20"s, "一只猫\nSteps: 20"s}) {
    for (const ImageFormat format : WritableFormats()) {
      const std::string file = Answer({.format = format, .parameters = parameters});
      SCOPED_TRACE(NameOf(format));

      const bool ascii = parameters.starts_with("a");
      switch (format) {
        case ImageFormat::kPng:
          EXPECT_THAT(file, HasSubstr(PngText("parameters", parameters)));
          EXPECT_THAT(file, Not(HasSubstr("an older prompt")));
          break;
        case ImageFormat::kTiff:
          EXPECT_THAT(file, HasSubstr(parameters));
          break;
        default:
          EXPECT_THAT(file, HasSubstr(ascii ? "ASCII\0\0\0a cat\nSteps: 20"s : "UNICODE\0"s));
      }
    }
  }
}

TEST_F(MetadataTest, SaysItInAJpegWhoseOwnExifIsTooLarge) {
  PictureTraits traits = Traits();
  const std::string small = test::FileWithExif(".jpg");
  VImage image = test::Open(small).copy();
  image.set("exif-ifd0-Artist", std::string(60'000, 'x').c_str());
  traits.exif = test::BlobOfFile(test::FileOf(image, ".png"), VIPS_META_EXIF_NAME);
  ASSERT_GT(traits.exif.size(), 60'000U);

  const auto file =
      EncodePicture(test::Ramps(9, 9), 9, 9, traits,
                    {.format = ImageFormat::kJpeg, .parameters = std::string(9'000, 'y')});

  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(*file, HasSubstr("ASCII\0\0\0yyyyy"s));
}

TEST_F(MetadataTest, KeepsAPngsTextsInAPng) {
  const std::string file = Answer({});

  EXPECT_THAT(file, HasSubstr(PngText("Title", "a title")));
  EXPECT_THAT(file, HasSubstr("an older prompt"));
  EXPECT_THAT(file, Not(HasSubstr("GPS in hexadecimal")));
  EXPECT_THAT(Answer({.metadata = MetadataPolicy::kKeepAll}), HasSubstr("a title"));
}

TEST_F(MetadataTest, SurvivesTheWayThroughDecoding) {
  const auto once = DecodePicture(Answer({.parameters = "一只猫"}), {}, AlphaPolicy::kKeep);
  ASSERT_THAT(once, IsOk());

  const auto twice = EncodePicture(once->image, 12, 10, *once->traits, {});

  ASSERT_THAT(twice, IsOk());
  EXPECT_THAT(*twice, HasSubstr(PngText("parameters", "一只猫")));
  EXPECT_THAT(*twice, HasSubstr("b:c='d'"));
  EXPECT_THAT(*twice, HasSubstr("Kodak"));
}

TEST_F(MetadataTest, LeavesOutExifThatIsBroken) {
  PictureTraits traits;
  traits.exif = "no EXIF at all";
  for (const ImageFormat format : WritableFormats()) {
    const auto file = EncodePicture(test::Ramps(9, 9), 9, 9, traits, {.format = format});

    ASSERT_THAT(file, IsOk()) << NameOf(format);
    EXPECT_THAT(*file, Not(HasSubstr("no EXIF at all")));
  }
}

TEST_F(MetadataTest, RefusesMoreThanIsAllowed) {
  VImage image = vips::VImage::black(2, 2).copy();
  test::SetBlob(image, VIPS_META_XMP_NAME, std::string(400, ' '));
  image.set(VIPS_META_IMAGEDESCRIPTION, std::string(200, ' ').c_str());
  test::SetBlob(image, VIPS_META_IPTC_NAME, std::string(401, ' '));
  test::SetBlob(image, VIPS_META_ICC_NAME, std::string(100, ' '));

  EXPECT_THAT(CheckMetadata(image, {.max_profile_bytes = 100, .max_metadata_bytes = 1001}), IsOk());
  for (const MetadataLimits& limits :
       {MetadataLimits{.max_profile_bytes = 99, .max_metadata_bytes = 1001},
        {.max_profile_bytes = 100, .max_metadata_bytes = 1000}}) {
    const absl::Status status = CheckMetadata(image, limits);
    EXPECT_EQ(FieldOf(status), "image");
    EXPECT_EQ(ReasonOf(status), "METADATA_TOO_LARGE");
  }
}

}  // namespace
}  // namespace upscaler
