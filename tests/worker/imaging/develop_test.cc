// Colours and transparency, as DecodePicture takes them from files.

#include "worker/imaging/develop.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips8>

#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/image_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using test::FileOf;
using test::Flat;
using test::ImageNear;
using test::IsOk;
using test::Ramps;
using test::ToVips;
using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;
using vips::VImage;

// Levels by which a lossy format may miss a smooth picture at quality 90.
constexpr int kLossyTolerance = 12;
// Levels lost when a colour goes to another space and back in 8 bits.
constexpr int kColourTolerance = 3;

class DevelopTest : public ::testing::Test {
 protected:
  static Image Decode(const std::string& file) {
    absl::StatusOr<DecodedPicture> picture = DecodePicture(file, {}, AlphaPolicy::kDrop);
    EXPECT_THAT(picture, IsOk());
    return picture.ok() ? std::move(picture->image) : Image{};
  }

  // The samples of the first pixel.
  static std::vector<int> FirstPixel(const std::string& file) {
    const Image image = Decode(file);
    if (image.pixels.size() < Image::kChannels || image.bits != 8) return {};
    return {image.pixels[0], image.pixels[1], image.pixels[2]};
  }

  static DecodedPicture Keep(const std::string& file) {
    absl::StatusOr<DecodedPicture> picture = DecodePicture(file, {}, AlphaPolicy::kKeep);
    EXPECT_THAT(picture, IsOk());
    return picture.ok() ? *std::move(picture)
                        : DecodedPicture{.image = {}, .traits = std::make_shared<PictureTraits>()};
  }

  // The levels of the first pixel, of 255, with fractions where there are 16 bits.
  static std::vector<double> FirstLevels(const Image& image) {
    return {test::LevelOf(image, 0), test::LevelOf(image, 1), test::LevelOf(image, 2)};
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(DevelopTest, KeepsSixteenBits) {
  const VImage deep =
      Flat(2, 2, {255, 33000, 65535}, VIPS_INTERPRETATION_RGB16, VIPS_FORMAT_USHORT);

  for (const char* suffix : {".png", ".tif"}) {
    const DecodedPicture picture = Keep(FileOf(deep, suffix));

    EXPECT_EQ(picture.image.bits, 16);
    EXPECT_EQ(picture.traits->bits, 16);
    EXPECT_EQ(picture.image, ToImage(deep)) << suffix;
  }
}

TEST_F(DevelopTest, TakesNumbersOfLight) {
  // Half the light is level 188 of 255; what is beyond white is white.
  const VImage light = Flat(2, 2, {0.5, 0, 7}, VIPS_INTERPRETATION_scRGB, VIPS_FORMAT_FLOAT);
  const VImage grey = Flat(2, 2, {0.5}, VIPS_INTERPRETATION_B_W, VIPS_FORMAT_FLOAT);

  const DecodedPicture picture = Keep(FileOf(light, ".tif"));
  const DecodedPicture lit = Keep(FileOf(light.bandjoin_const({0.25}), ".tif"));
  const DecodedPicture one = Keep(FileOf(grey, ".tif"));

  EXPECT_EQ(picture.image.bits, 16);
  EXPECT_THAT(FirstLevels(picture.image),
              ElementsAre(DoubleNear(187.5, 0.5), DoubleNear(0, 0.01), DoubleNear(255, 0.01)));
  EXPECT_THAT(FirstLevels(lit.image), ElementsAreArray(FirstLevels(picture.image)));
  ASSERT_NE(lit.traits->alpha, nullptr);
  EXPECT_EQ(lit.traits->alpha->bits, 16);
  EXPECT_EQ(lit.traits->alpha->samples[1], 0x3f);  // A quarter of 65,535; little-endian.
  EXPECT_THAT(FirstLevels(one.image), Each(DoubleNear(187.5, 0.5)));
  EXPECT_TRUE(one.traits->grey);
}

TEST_F(DevelopTest, TurnsGreyIntoThreeEqualChannels) {
  const VImage grey = Flat(2, 2, {77}, VIPS_INTERPRETATION_B_W);
  const VImage deep = Flat(2, 2, {255}, VIPS_INTERPRETATION_GREY16, VIPS_FORMAT_USHORT);

  EXPECT_THAT(FirstPixel(FileOf(grey, ".png")), ElementsAre(77, 77, 77));
  EXPECT_THAT(FirstPixel(FileOf(grey, ".tif")), ElementsAre(77, 77, 77));
  EXPECT_EQ(Keep(FileOf(deep, ".png")).image.bits, 16);
  EXPECT_THAT(FirstLevels(Decode(FileOf(deep, ".png"))), Each(DoubleNear(255 / 257.0, 0.001)));
  EXPECT_TRUE(Keep(FileOf(grey, ".jpg")).traits->grey);
  EXPECT_FALSE(Keep(FileOf(Flat(2, 2, {7, 7, 7}), ".png")).traits->grey);
}

TEST_F(DevelopTest, DecodesOneBitPictures) {
  const VImage white = Flat(9, 2, {255}, VIPS_INTERPRETATION_B_W);

  EXPECT_THAT(FirstPixel(FileOf(white, ".png[bitdepth=1]")), ElementsAre(255, 255, 255));
  EXPECT_THAT(FirstPixel(FileOf(white, ".tif[bitdepth=1]")), ElementsAre(255, 255, 255));
}

TEST_F(DevelopTest, DecodesPalettes) {
  const VImage flat = Flat(9, 9, {10, 200, 30});

  EXPECT_THAT(FirstPixel(FileOf(flat, ".png[palette]")), ElementsAre(10, 200, 30));
}

TEST_F(DevelopTest, ConvertsCmyk) {
  const VImage sea = Flat(32, 32, {60, 120, 160});
  const VImage cmyk = sea.colourspace(VIPS_INTERPRETATION_CMYK);
  const Image expected = Decode(FileOf(sea, ".png"));

  EXPECT_THAT(Decode(FileOf(cmyk, ".jpg[Q=100]")), ImageNear(expected, kLossyTolerance));
  EXPECT_THAT(Decode(FileOf(cmyk, ".tif")), ImageNear(expected, kLossyTolerance));
  const DecodedPicture inks = Keep(FileOf(cmyk, ".tif"));
  EXPECT_EQ(inks.traits->profile, "");
  EXPECT_THAT(inks.warnings, ElementsAre(HasSubstr("cmyk")));
}

TEST_F(DevelopTest, ConvertsCielab) {
  const VImage sea = Flat(8, 8, {60, 120, 160});
  const VImage lab = sea.colourspace(VIPS_INTERPRETATION_LAB);

  const DecodedPicture picture = Keep(FileOf(lab, ".tif"));

  EXPECT_THAT(picture.image, ImageNear(ToImage(sea), 1));
  EXPECT_THAT(picture.warnings, ElementsAre(HasSubstr("lab")));
}

TEST_F(DevelopTest, AppliesTheColourProfile) {
  const VImage sea = Flat(32, 32, {60, 120, 160});
  const VImage p3 = sea.icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  ASSERT_THAT(FirstPixel(FileOf(p3, ".png[strip]")), Not(ElementsAre(60, 120, 160)));

  const Image image = Decode(FileOf(p3, ".png"));

  EXPECT_THAT(image, ImageNear(Decode(FileOf(sea, ".png")), kColourTolerance));
  // Between the levels, so that they find back.
  EXPECT_EQ(image.bits, 16);
  EXPECT_EQ(Keep(FileOf(p3, ".png")).traits->profile, test::BlobOf(p3, VIPS_META_ICC_NAME));
  EXPECT_EQ(Keep(FileOf(p3, ".png")).traits->bits, 8);
}

TEST_F(DevelopTest, KeepsAProfileOfSrgbAndItsPixels) {
  const Image image = Ramps(20, 20);
  const VImage srgb = test::InProfile(ToVips(image), "srgb");

  const DecodedPicture picture = Keep(FileOf(srgb, ".png"));

  EXPECT_EQ(picture.image, ToImage(srgb));
  EXPECT_EQ(picture.traits->profile, test::BlobOf(srgb, VIPS_META_ICC_NAME));
  EXPECT_TRUE(picture.traits->profile_is_srgb);
}

TEST_F(DevelopTest, AppliesTheColourProfileBeneathTransparency) {
  const VImage sea = Flat(32, 32, {60, 120, 160});
  const VImage p3 = sea.icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  const VImage deep = p3.linear(257, 0)
                          .cast(VIPS_FORMAT_USHORT)
                          .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_RGB16));

  const Image opaque = Decode(FileOf(deep.bandjoin_const({65535}), ".png"));
  const Image clear = Decode(FileOf(deep.bandjoin_const({0}), ".png"));

  EXPECT_THAT(opaque, ImageNear(Decode(FileOf(sea, ".png")), kColourTolerance));
  EXPECT_THAT(clear, ImageNear(Decode(FileOf(Flat(32, 32, {255, 255, 255}), ".png")), 0));
}

TEST_F(DevelopTest, IgnoresAProfileThatIsNone) {
  VImage image = Flat(4, 4, {10, 200, 30}).copy();
  std::string nonsense = "this is no profile";
  image.set(VIPS_META_ICC_NAME, nullptr, nonsense.data(), nonsense.size());

  EXPECT_THAT(FirstPixel(FileOf(image, ".tif")), ElementsAre(10, 200, 30));
  EXPECT_EQ(Keep(FileOf(image, ".tif")).traits->profile, "");
}

TEST_F(DevelopTest, IgnoresAProfileForOtherColours) {
  VImage grey = Flat(4, 4, {77}, VIPS_INTERPRETATION_B_W).copy();
  const VImage p3 =
      Flat(1, 1, {0, 0, 0}).icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  std::size_t size = 0;
  const auto* blob = static_cast<const char*>(p3.get_blob(VIPS_META_ICC_NAME, &size));
  std::string profile(blob, size);
  grey.set(VIPS_META_ICC_NAME, nullptr, profile.data(), profile.size());

  EXPECT_THAT(FirstPixel(FileOf(grey, ".tif")), ElementsAre(77, 77, 77));
}

TEST_F(DevelopTest, KeepsTransparencyBesideThePicture) {
  const VImage half = Flat(2, 2, {10, 20, 30, 128});
  const VImage opaque = Flat(2, 2, {10, 255}, VIPS_INTERPRETATION_B_W);
  const VImage deep =
      Flat(2, 2, {1000, 2000, 3000, 4000}, VIPS_INTERPRETATION_RGB16, VIPS_FORMAT_USHORT);

  const DecodedPicture picture = Keep(FileOf(half, ".png"));
  ASSERT_NE(picture.traits->alpha, nullptr);
  EXPECT_EQ(*picture.traits->alpha,
            (AlphaPlane{.width = 2, .height = 2, .samples = {128, 128, 128, 128}}));
  EXPECT_EQ(picture.image, ToImage(Flat(2, 2, {10, 20, 30})));
  const DecodedPicture grey = Keep(FileOf(opaque, ".png"));
  ASSERT_NE(grey.traits->alpha, nullptr);
  EXPECT_THAT(grey.traits->alpha->samples, Each(255));
  EXPECT_TRUE(grey.traits->grey);
  const DecodedPicture fine = Keep(FileOf(deep, ".tif"));
  ASSERT_NE(fine.traits->alpha, nullptr);
  EXPECT_EQ(fine.traits->alpha->bits, 16);
  EXPECT_EQ(fine.image, ToImage(deep.extract_band(0, VImage::option()->set("n", 3))));
  EXPECT_EQ(Keep(FileOf(Flat(2, 2, {1, 2, 3}), ".png")).traits->alpha, nullptr);
}

TEST_F(DevelopTest, FillsWhatIsInvisible) {
  const VImage image =
      Flat(4, 4, {200, 100, 50, 255}).join(Flat(4, 4, {0, 0, 0, 0}), VIPS_DIRECTION_HORIZONTAL);

  EXPECT_EQ(Keep(FileOf(image, ".png")).image, ToImage(Flat(8, 4, {200, 100, 50})));
}

TEST_F(DevelopTest, LaysTransparencyOverWhite) {
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {10, 20, 30, 0}), ".png")), ElementsAre(255, 255, 255));
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {0, 0, 0, 128}), ".png")), ElementsAre(127, 127, 127));
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {10, 20, 30, 255}), ".png")), ElementsAre(10, 20, 30));
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {0, 0}, VIPS_INTERPRETATION_B_W), ".png")),
              ElementsAre(255, 255, 255));
  EXPECT_THAT(
      FirstLevels(Decode(FileOf(
          Flat(2, 2, {65535, 0, 0, 0}, VIPS_INTERPRETATION_RGB16, VIPS_FORMAT_USHORT), ".png"))),
      ElementsAre(255, 255, 255));
}

}  // namespace
}  // namespace upscaler
