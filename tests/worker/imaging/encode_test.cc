#include "worker/imaging/encode.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips8>

#include "common/error_details.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/image_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using test::Flat;
using test::ImageNear;
using test::IsOk;
using test::Ramps;
using test::StatusIs;
using test::ToVips;
using ::testing::Contains;
using vips::VImage;

// Levels by which a lossy format may miss a smooth picture at quality 90.
constexpr int kLossyTolerance = 18;

class EncodeTest : public ::testing::Test {
 protected:
  static std::string Encode(const Image& image, const EncodeOptions& options,
                            const PictureTraits& traits = {}) {
    absl::StatusOr<std::string> file =
        EncodePicture(image, image.width, image.height, traits, options);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? *std::move(file) : "";
  }

  static DecodedPicture Decode(const std::string& file) {
    absl::StatusOr<DecodedPicture> picture = DecodePicture(file, {}, AlphaPolicy::kKeep);
    EXPECT_THAT(picture, IsOk());
    return picture.ok() ? *std::move(picture)
                        : DecodedPicture{.image = {}, .traits = std::make_shared<PictureTraits>()};
  }

  static Image Deep(int width, int height) {
    return ToImage(ToVips(Ramps(width, height))
                       .linear(256, 77)
                       .cast(VIPS_FORMAT_USHORT)
                       .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_RGB16)));
  }

  VipsLibrary& vips_ = test::StartedVips();
  const std::vector<ImageFormat> writable_ = WritableFormats();
};

TEST_F(EncodeTest, LosslessFormatsKeepEveryPixelAtAnySize) {
  for (const auto& [width, height] : {std::pair(1, 1), {1, 7}, {13, 1}, {37, 23}, {64, 128}}) {
    const Image image = Ramps(width, height);

    for (const EncodeOptions& options : {EncodeOptions{.format = ImageFormat::kPng},
                                         {.format = ImageFormat::kTiff},
                                         {.format = ImageFormat::kWebp, .lossless = true}}) {
      EXPECT_EQ(Decode(Encode(image, options)).image, image) << NameOf(options.format);
    }
  }
}

TEST_F(EncodeTest, LossyFormatsComeBackNearlyTheSame) {
  const Image image = test::Waves(37, 23);

  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kWebp, ImageFormat::kAvif}) {
    if (!std::ranges::count(writable_, format)) continue;
    EXPECT_THAT(Decode(Encode(image, {.format = format, .quality = 95})).image,
                ImageNear(image, kLossyTolerance))
        << NameOf(format);
  }
}

TEST_F(EncodeTest, LowerQualityMakesSmallerFilesDownToZero) {
  const Image image = Ramps(128, 128);
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kWebp, ImageFormat::kAvif}) {
    if (!std::ranges::count(writable_, format)) continue;
    const auto best = Encode(image, {.format = format, .quality = 100}).size();
    const auto worst = Encode(image, {.format = format, .quality = 0}).size();

    EXPECT_LT(worst, best / 2);
  }
}

TEST_F(EncodeTest, WritesSixteenBits) {
  const Image image = Deep(19, 11);

  for (const ImageFormat format : {ImageFormat::kPng, ImageFormat::kTiff}) {
    EXPECT_EQ(Decode(Encode(image, {.format = format, .bits = 16})).image, image);
    // From eight: every level has its place among the finer ones.
    const DecodedPicture widened = Decode(Encode(Ramps(9, 9), {.format = format, .bits = 16}));
    EXPECT_EQ(widened.image.bits, 16);
    EXPECT_THAT(widened.image, ImageNear(Ramps(9, 9), 0));
  }
}

TEST_F(EncodeTest, RoundsSixteenBitsToEight) {
  const Image image{.width = 2,
                    .height = 1,
                    .bits = 16,
                    .pixels = {200, 0, 100, 0, 0, 0, 0xff, 0xff, 0x80, 0x80, 0, 0x80}};

  // 200 of 65,535 is nearer to the first level than to none.
  EXPECT_EQ(Decode(Encode(image, {})).image.pixels,
            (std::vector<std::uint8_t>{1, 0, 0, 255, 128, 128}));
}

TEST_F(EncodeTest, RefusesBitsThatTheFormatDoesNotHave) {
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kWebp, ImageFormat::kAvif}) {
    const auto file = EncodePicture(Ramps(4, 4), 4, 4, {}, {.format = format, .bits = 16});

    EXPECT_THAT(file, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(FieldOf(file.status()), "bit_depth");
  }
}

TEST_F(EncodeTest, RefusesASideThatTheFormatCannotHold) {
  const int beyond = MaxSide(ImageFormat::kWebp) + 1;
  const Image wide = Ramps(beyond, 1);

  const auto webp = EncodePicture(wide, beyond, 1, {}, {.format = ImageFormat::kWebp});

  EXPECT_THAT(webp, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(FieldOf(webp.status()), "output_format");
  EXPECT_THAT(EncodePicture(wide, beyond, 1, {}, {.format = ImageFormat::kJpeg}), IsOk());
}

TEST_F(EncodeTest, EncodesTheLongestSideOfEachFormat) {
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kWebp, ImageFormat::kAvif}) {
    if (!std::ranges::count(writable_, format)) continue;
    const Image wide = Ramps(MaxSide(format), 1);

    EXPECT_EQ(Decode(Encode(wide, {.format = format})).image.width, MaxSide(format));
  }
}

TEST_F(EncodeTest, CropsToTheWantedSize) {
  const auto file = EncodePicture(Ramps(20, 30), 7, 11, {}, {});

  ASSERT_THAT(file, IsOk());
  const VImage expected = ToVips(Ramps(20, 30)).extract_area(0, 0, 7, 11);
  EXPECT_EQ(Decode(*file).image, ToImage(expected));
}

TEST_F(EncodeTest, JoinsTheAlphaPlaneAtItsSize) {
  const PictureTraits traits{.alpha = std::make_shared<const AlphaPlane>(
                                 AlphaPlane{.width = 2, .height = 1, .samples = {50, 200}})};
  const Image image = ToImage(Flat(8, 4, {10, 20, 30}));

  for (const EncodeOptions& options : {EncodeOptions{.format = ImageFormat::kPng},
                                       {.format = ImageFormat::kTiff},
                                       {.format = ImageFormat::kWebp, .lossless = true}}) {
    const DecodedPicture picture = Decode(Encode(image, options, traits));

    ASSERT_NE(picture.traits->alpha, nullptr) << NameOf(options.format);
    const std::vector<std::uint8_t>& alpha = picture.traits->alpha->samples;
    EXPECT_NEAR(alpha[0], 50, 16);  // A cubic swings a little.
    EXPECT_NEAR(alpha[7], 200, 16);
    // Symmetric about the middle: nothing has moved.
    for (std::size_t x = 0; x < 4; ++x) EXPECT_NEAR(alpha[x] + alpha[7 - x], 250, 1);
    EXPECT_EQ(picture.image, image);
  }
}

TEST_F(EncodeTest, LaysOverWhiteWhereTheFormatHasNoAlpha) {
  const PictureTraits traits{
      .alpha = std::make_shared<const AlphaPlane>(
          AlphaPlane{.width = 8, .height = 8, .samples = std::vector<std::uint8_t>(64, 0)})};

  const DecodedPicture picture =
      Decode(Encode(ToImage(Flat(8, 8, {9, 9, 9})), {.format = ImageFormat::kJpeg}, traits));

  EXPECT_EQ(picture.traits->alpha, nullptr);
  EXPECT_THAT(picture.image, ImageNear(ToImage(Flat(8, 8, {255, 255, 255})), 1));
}

TEST_F(EncodeTest, AnswersGreyWithGrey) {
  const PictureTraits traits{.grey = true};
  const Image image = ToImage(Flat(8, 8, {90, 90, 90}));

  for (const ImageFormat format : writable_) {
    const std::string file = Encode(image, {.format = format, .lossless = true}, traits);

    EXPECT_EQ(test::Open(file).bands(), FormatHasGrey(format) ? 1 : 3) << NameOf(format);
    EXPECT_THAT(Decode(file).image, ImageNear(image, 1)) << NameOf(format);
  }
}

TEST_F(EncodeTest, GoesBackToTheColourProfileUnlessStripped) {
  const VImage p3 = test::InProfile(ToVips(Ramps(40, 40)), "p3");
  const std::string profile = test::BlobOf(p3, VIPS_META_ICC_NAME);
  const DecodedPicture picture = Decode(test::FileOf(p3, ".png"));

  for (const ImageFormat format : writable_) {
    const EncodeOptions options = {.format = format, .quality = 100, .lossless = true};
    const std::string kept_file = Encode(picture.image, options, *picture.traits);
    const VImage kept = test::Open(kept_file);
    EncodeOptions strip = options;
    strip.metadata = MetadataPolicy::kStrip;
    const std::string stripped_file = Encode(picture.image, strip, *picture.traits);
    const VImage stripped = test::Open(stripped_file);

    const int tolerance =
        format == ImageFormat::kPng || format == ImageFormat::kTiff || format == ImageFormat::kWebp
            ? 1
            : kLossyTolerance;
    EXPECT_EQ(test::BlobOf(kept, VIPS_META_ICC_NAME), profile) << NameOf(format);
    EXPECT_THAT(ToImage(kept), ImageNear(ToImage(p3), tolerance)) << NameOf(format);
    EXPECT_EQ(stripped.get_typeof(VIPS_META_ICC_NAME), 0U) << NameOf(format);
    EXPECT_THAT(ToImage(stripped), ImageNear(picture.image, tolerance)) << NameOf(format);
  }
}

TEST_F(EncodeTest, SaysWhatCanBeWritten) {
  for (const ImageFormat format :
       {ImageFormat::kPng, ImageFormat::kJpeg, ImageFormat::kWebp, ImageFormat::kTiff}) {
    EXPECT_THAT(writable_, Contains(format));
  }
}

}  // namespace
}  // namespace upscaler
