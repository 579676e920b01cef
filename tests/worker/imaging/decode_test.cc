#include "worker/imaging/decode.h"

#include <memory>
#include <string>
#include <thread>
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
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using test::FileOf;
using test::Flat;
using test::ImageNear;
using test::IsOk;
using test::Ramps;
using test::StatusIs;
using test::ToVips;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using vips::VImage;

// Levels by which a lossy format may miss a smooth picture at quality 90.
constexpr int kLossyTolerance = 12;

class DecodeTest : public ::testing::Test {
 protected:
  static Image Decode(const std::string& file) {
    absl::StatusOr<DecodedPicture> picture = DecodePicture(file, {}, AlphaPolicy::kDrop);
    EXPECT_THAT(picture, IsOk());
    return picture.ok() ? std::move(picture->image) : Image{};
  }

  static DecodedPicture Keep(const std::string& file) {
    absl::StatusOr<DecodedPicture> picture = DecodePicture(file, {}, AlphaPolicy::kKeep);
    EXPECT_THAT(picture, IsOk());
    return picture.ok() ? *std::move(picture)
                        : DecodedPicture{.image = {}, .traits = std::make_shared<PictureTraits>()};
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(DecodeTest, DecodesLosslessFilesOfEveryOtherFormat) {
  const Image image = Ramps(37, 23);

  EXPECT_EQ(Decode(FileOf(ToVips(image), ".tif")), image);
  EXPECT_EQ(Decode(FileOf(ToVips(image), ".tif[compression=deflate,tile]")), image);
  EXPECT_EQ(Decode(FileOf(ToVips(image), ".webp[lossless]")), image);
  EXPECT_EQ(Decode(FileOf(ToVips(image), ".png[interlace]")), image);
}

TEST_F(DecodeTest, DecodesProgressiveJpeg) {
  const Image image = Ramps(37, 23);

  EXPECT_THAT(Decode(FileOf(ToVips(image), ".jpg[interlace,Q=95]")),
              ImageNear(image, kLossyTolerance));
}

TEST_F(DecodeTest, TakesTheFirstFrameOfAnAnimation) {
  const VImage frames =
      Flat(5, 4, {255, 0, 0}).join(Flat(5, 4, {0, 0, 255}), VIPS_DIRECTION_VERTICAL);
  VImage animation = frames.copy();
  animation.set("page-height", 4);

  for (const char* suffix : {".gif", ".webp[lossless]", ".tif"}) {
    const Image image = Decode(FileOf(animation, suffix));

    EXPECT_EQ(image.height, 4) << suffix;
    EXPECT_THAT(image, ImageNear(Decode(FileOf(Flat(5, 4, {255, 0, 0}), ".png")), 0)) << suffix;
    EXPECT_THAT(Keep(FileOf(animation, suffix)).warnings,
                ElementsAre("the file has 2 frames; the first one alone is taken"));
  }
}

TEST_F(DecodeTest, TurnsThePictureUpright) {
  // Orientation 6: the file's left column is the picture's top row, from the
  // bottom up.
  const Image lying{.width = 2, .height = 1, .pixels = {1, 2, 3, 4, 5, 6}};
  VImage tagged = ToVips(lying).copy();
  tagged.set(VIPS_META_ORIENTATION, 6);

  const Image upright = Decode(FileOf(tagged, ".tif"));

  EXPECT_EQ(upright, (Image{.width = 1, .height = 2, .pixels = {1, 2, 3, 4, 5, 6}}));
}

TEST_F(DecodeTest, TurnsAJpegThatSaysSoInItsExif) {
  VImage tagged = ToVips(Ramps(64, 16)).copy();
  tagged.set(VIPS_META_ORIENTATION, 8);

  const Image upright = Decode(FileOf(tagged, ".jpg"));

  EXPECT_EQ(upright.width, 16);
  EXPECT_EQ(upright.height, 64);
}

TEST_F(DecodeTest, TakesAPictureOfExactlyTheLimitAndNoneBeyond) {
  const std::string file = FileOf(ToVips(Ramps(30, 20)), ".png");

  const auto within = DecodePicture(file, {.max_pixels = 600}, AlphaPolicy::kKeep);
  const auto beyond = DecodePicture(file, {.max_pixels = 599}, AlphaPolicy::kKeep);

  EXPECT_THAT(within, IsOk());
  EXPECT_THAT(beyond, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(std::string(beyond.status().message()),
            "image: 30x20 is 600 pixels; at most 599 are allowed");
  EXPECT_EQ(ReasonOf(beyond.status()), "TOO_MANY_PIXELS");
}

TEST_F(DecodeTest, AsksAboutTheUprightPicture) {
  VImage tagged = ToVips(Ramps(64, 16)).bandjoin_const({9}).copy();
  tagged.set(VIPS_META_ORIENTATION, 8);
  PictureHeader asked;

  const auto picture = DecodePicture(FileOf(tagged, ".tif"), {}, AlphaPolicy::kKeep,
                                     [&](const PictureHeader& header) {
                                       asked = header;
                                       return absl::OkStatus();
                                     });

  EXPECT_THAT(picture, IsOk());
  EXPECT_EQ(asked.width, 16);
  EXPECT_EQ(asked.height, 64);
  EXPECT_EQ(asked.bits, 8);
  EXPECT_TRUE(asked.alpha);
}

TEST_F(DecodeTest, RefusesWhatItsCallerRefusesBeforeItReadsPixels) {
  // Cut off in the middle of its pixels: reading them would be found out.
  const std::string whole = FileOf(ToVips(Ramps(90, 70)), ".png");
  const std::string file = whole.substr(0, whole.size() / 2);

  const auto picture = DecodePicture(file, {}, AlphaPolicy::kKeep, [](const PictureHeader&) {
    return absl::ResourceExhaustedError("not now");
  });

  EXPECT_THAT(picture, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(DecodeTest, TakesMetadataAsItIs) {
  VImage tagged =
      ToVips(Ramps(9, 9)).copy(VImage::option()->set("xres", 300 / 25.4)->set("yres", 150 / 25.4));
  tagged.set("exif-ifd0-Make", "Kodak");
  test::SetBlob(tagged, VIPS_META_XMP_NAME, "<x:xmpmeta/>");
  test::SetBlob(tagged, VIPS_META_IPTC_NAME, "Photoshop 3.0 of a kind");

  const PictureTraits traits = *Keep(FileOf(tagged, ".jpg")).traits;

  EXPECT_THAT(traits.exif, HasSubstr("Kodak"));
  EXPECT_EQ(traits.xmp, "<x:xmpmeta/>");
  EXPECT_EQ(traits.iptc, "Photoshop 3.0 of a kind");
  EXPECT_NEAR(traits.horizontal_resolution, 300 / 25.4, 0.01);
  EXPECT_NEAR(traits.vertical_resolution, 150 / 25.4, 0.01);
}

TEST_F(DecodeTest, ReadsAvif) {
  const Image image = Ramps(37, 23);
  if (vips_type_find("VipsForeignSave", "heifsave_target") == 0) GTEST_SKIP();

  EXPECT_THAT(Decode(FileOf(ToVips(image), ".avif[lossless]")), ImageNear(image, kLossyTolerance));
}

TEST_F(DecodeTest, WorksOnManyThreadsAtOnce) {
  const Image image = Ramps(61, 67);
  const std::string file = FileOf(ToVips(image), ".png");
  std::vector<Image> decoded(8);

  {
    std::vector<std::jthread> threads;
    for (Image& place : decoded) {
      threads.emplace_back([&file, &place] {
        for (int i = 0; i < 10; ++i) place = Decode(file);
      });
    }
  }

  EXPECT_THAT(decoded, Each(image));
}

}  // namespace
}  // namespace upscaler
