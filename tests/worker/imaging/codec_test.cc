#include "worker/imaging/codec.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
#include "tests/worker/imaging/sample_files.h"

namespace upscaler {
namespace {

using test::FileOf;
using test::Flat;
using test::Gradient;
using test::IsOk;
using test::StatusIs;
using test::ToVips;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Not;
using ::testing::Optional;
using vips::VImage;

// Levels by which a lossy format may miss a smooth picture at quality 90.
constexpr int kLossyTolerance = 12;
// Levels lost when a colour goes to another space and back in 8 bits.
constexpr int kColourTolerance = 3;

// Matches a picture of the same size whose every sample is within `tolerance`.
MATCHER_P2(ImageNear, expected, tolerance, "is near the expected picture") {
  if (arg.width != expected.width || arg.height != expected.height) {
    *result_listener << "is " << arg.width << "x" << arg.height;
    return false;
  }
  int worst = 0;
  for (std::size_t i = 0; i < expected.pixels.size(); ++i) {
    worst = std::max(worst, std::abs(arg.pixels[i] - expected.pixels[i]));
  }
  *result_listener << "misses by " << worst << " at worst";
  return worst <= tolerance;
}

class CodecTest : public ::testing::Test {
 protected:
  static Image Decode(const std::string& file) {
    absl::StatusOr<Image> image = DecodeImage(file, DecodeLimits{});
    EXPECT_THAT(image, IsOk());
    return image.ok() ? *std::move(image) : Image{};
  }

  // The samples of the first pixel.
  static std::vector<int> FirstPixel(const std::string& file) {
    const Image image = Decode(file);
    if (image.pixels.size() < Image::kChannels) return {};
    return {image.pixels[0], image.pixels[1], image.pixels[2]};
  }

  static std::string Encode(const Image& image, const EncodeOptions& options) {
    absl::StatusOr<std::string> file = EncodeImage(image, options);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? *std::move(file) : "";
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(CodecTest, PngKeepsEveryPixelAtAnySize) {
  for (const auto& [width, height] : {std::pair(1, 1), {1, 7}, {13, 1}, {37, 23}, {64, 128}}) {
    const Image image = Gradient(width, height);

    EXPECT_EQ(Decode(Encode(image, {.format = ImageFormat::kPng})), image);
  }
}

TEST_F(CodecTest, JpegComesBackNearlyTheSame) {
  const Image image = Gradient(37, 23);

  EXPECT_THAT(Decode(Encode(image, {.format = ImageFormat::kJpeg, .quality = 90})),
              ImageNear(image, kLossyTolerance));
}

TEST_F(CodecTest, WebpComesBackNearlyTheSame) {
  const Image image = Gradient(37, 23);

  EXPECT_THAT(Decode(Encode(image, {.format = ImageFormat::kWebp, .quality = 90})),
              ImageNear(image, kLossyTolerance));
}

TEST_F(CodecTest, LowerQualityMakesSmallerFilesDownToZero) {
  const Image image = Gradient(128, 128);
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kWebp}) {
    const auto best = Encode(image, {.format = format, .quality = 100}).size();
    const auto worst = Encode(image, {.format = format, .quality = 0}).size();

    EXPECT_LT(worst, best / 2);
  }
}

TEST_F(CodecTest, RefusesASideThatTheFormatCannotHold) {
  const int beyond = MaxSide(ImageFormat::kWebp) + 1;
  const Image wide = Gradient(beyond, 1);

  const auto webp = EncodeImage(wide, {.format = ImageFormat::kWebp});

  EXPECT_THAT(webp, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(webp.status()), Optional(Eq("output_format")));
  EXPECT_THAT(EncodeImage(wide, {.format = ImageFormat::kJpeg}), IsOk());
}

TEST_F(CodecTest, EncodesTheLongestSideOfEachLossyFormat) {
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kWebp}) {
    const Image wide = Gradient(MaxSide(format), 1);

    EXPECT_EQ(Decode(Encode(wide, {.format = format})).width, MaxSide(format));
  }
}

TEST_F(CodecTest, DecodesLosslessFilesOfEveryOtherFormat) {
  const Image image = Gradient(37, 23);

  EXPECT_EQ(Decode(FileOf(ToVips(image), ".tif")), image);
  EXPECT_EQ(Decode(FileOf(ToVips(image), ".tif[compression=deflate,tile]")), image);
  EXPECT_EQ(Decode(FileOf(ToVips(image), ".webp[lossless]")), image);
  EXPECT_EQ(Decode(FileOf(ToVips(image), ".png[interlace]")), image);
}

TEST_F(CodecTest, DecodesProgressiveJpeg) {
  const Image image = Gradient(37, 23);

  EXPECT_THAT(Decode(FileOf(ToVips(image), ".jpg[interlace,Q=95]")),
              ImageNear(image, kLossyTolerance));
}

TEST_F(CodecTest, TakesTheFirstFrameOfAnAnimation) {
  const VImage frames =
      Flat(5, 4, {255, 0, 0}).join(Flat(5, 4, {0, 0, 255}), VIPS_DIRECTION_VERTICAL);
  VImage animation = frames.copy();
  animation.set("page-height", 4);

  for (const char* suffix : {".gif", ".webp[lossless]", ".tif"}) {
    const Image image = Decode(FileOf(animation, suffix));

    EXPECT_EQ(image.height, 4) << suffix;
    EXPECT_THAT(image, ImageNear(Decode(FileOf(Flat(5, 4, {255, 0, 0}), ".png")), 0)) << suffix;
  }
}

TEST_F(CodecTest, RoundsSixteenBitsToEight) {
  // 255 / 257 is nearly 1, and dropping the lower byte would make 0 of it.
  const VImage deep =
      Flat(2, 2, {255, 33000, 65535}, VIPS_INTERPRETATION_RGB16, VIPS_FORMAT_USHORT);

  EXPECT_THAT(FirstPixel(FileOf(deep, ".png")), ElementsAre(1, 128, 255));
  EXPECT_THAT(FirstPixel(FileOf(deep, ".tif")), ElementsAre(1, 128, 255));
}

TEST_F(CodecTest, TurnsGreyIntoThreeEqualChannels) {
  const VImage grey = Flat(2, 2, {77}, VIPS_INTERPRETATION_B_W);
  const VImage deep = Flat(2, 2, {255}, VIPS_INTERPRETATION_GREY16, VIPS_FORMAT_USHORT);

  EXPECT_THAT(FirstPixel(FileOf(grey, ".png")), ElementsAre(77, 77, 77));
  EXPECT_THAT(FirstPixel(FileOf(grey, ".tif")), ElementsAre(77, 77, 77));
  EXPECT_THAT(FirstPixel(FileOf(deep, ".png")), ElementsAre(1, 1, 1));
}

TEST_F(CodecTest, DecodesOneBitPictures) {
  const VImage white = Flat(9, 2, {255}, VIPS_INTERPRETATION_B_W);

  EXPECT_THAT(FirstPixel(FileOf(white, ".png[bitdepth=1]")), ElementsAre(255, 255, 255));
  EXPECT_THAT(FirstPixel(FileOf(white, ".tif[bitdepth=1]")), ElementsAre(255, 255, 255));
}

TEST_F(CodecTest, DecodesPalettes) {
  const VImage flat = Flat(9, 9, {10, 200, 30});

  EXPECT_THAT(FirstPixel(FileOf(flat, ".png[palette]")), ElementsAre(10, 200, 30));
}

TEST_F(CodecTest, ConvertsCmyk) {
  const VImage sea = Flat(32, 32, {60, 120, 160});
  const VImage cmyk = sea.colourspace(VIPS_INTERPRETATION_CMYK);
  const Image expected = Decode(FileOf(sea, ".png"));

  EXPECT_THAT(Decode(FileOf(cmyk, ".jpg[Q=100]")), ImageNear(expected, kLossyTolerance));
  EXPECT_THAT(Decode(FileOf(cmyk, ".tif")), ImageNear(expected, kLossyTolerance));
}

TEST_F(CodecTest, AppliesTheColourProfile) {
  const VImage sea = Flat(32, 32, {60, 120, 160});
  const VImage p3 = sea.icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  ASSERT_THAT(FirstPixel(FileOf(p3, ".png[strip]")), Not(ElementsAre(60, 120, 160)));

  const Image image = Decode(FileOf(p3, ".png"));

  EXPECT_THAT(image, ImageNear(Decode(FileOf(sea, ".png")), kColourTolerance));
}

TEST_F(CodecTest, AppliesTheColourProfileBeneathTransparency) {
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

TEST_F(CodecTest, IgnoresAProfileThatIsNone) {
  VImage image = Flat(4, 4, {10, 200, 30}).copy();
  std::string nonsense = "this is no profile";
  image.set(VIPS_META_ICC_NAME, nullptr, nonsense.data(), nonsense.size());

  EXPECT_THAT(FirstPixel(FileOf(image, ".tif")), ElementsAre(10, 200, 30));
}

TEST_F(CodecTest, IgnoresAProfileForOtherColours) {
  VImage grey = Flat(4, 4, {77}, VIPS_INTERPRETATION_B_W).copy();
  const VImage p3 =
      Flat(1, 1, {0, 0, 0}).icc_transform("p3", VImage::option()->set("input_profile", "srgb"));
  std::size_t size = 0;
  const auto* blob = static_cast<const char*>(p3.get_blob(VIPS_META_ICC_NAME, &size));
  std::string profile(blob, size);
  grey.set(VIPS_META_ICC_NAME, nullptr, profile.data(), profile.size());

  EXPECT_THAT(FirstPixel(FileOf(grey, ".tif")), ElementsAre(77, 77, 77));
}

TEST_F(CodecTest, LaysTransparencyOverWhite) {
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {10, 20, 30, 0}), ".png")), ElementsAre(255, 255, 255));
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {0, 0, 0, 128}), ".png")), ElementsAre(127, 127, 127));
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {10, 20, 30, 255}), ".png")), ElementsAre(10, 20, 30));
  EXPECT_THAT(FirstPixel(FileOf(Flat(2, 2, {0, 0}, VIPS_INTERPRETATION_B_W), ".png")),
              ElementsAre(255, 255, 255));
  EXPECT_THAT(
      FirstPixel(FileOf(Flat(2, 2, {65535, 0, 0, 0}, VIPS_INTERPRETATION_RGB16, VIPS_FORMAT_USHORT),
                        ".png")),
      ElementsAre(255, 255, 255));
}

TEST_F(CodecTest, TurnsThePictureUpright) {
  // Orientation 6: the file's left column is the picture's top row, from the
  // bottom up.
  const Image lying{.width = 2, .height = 1, .pixels = {1, 2, 3, 4, 5, 6}};
  VImage tagged = ToVips(lying).copy();
  tagged.set(VIPS_META_ORIENTATION, 6);

  const Image upright = Decode(FileOf(tagged, ".tif"));

  EXPECT_EQ(upright, (Image{.width = 1, .height = 2, .pixels = {1, 2, 3, 4, 5, 6}}));
}

TEST_F(CodecTest, TurnsAJpegThatSaysSoInItsExif) {
  VImage tagged = ToVips(Gradient(64, 16)).copy();
  tagged.set(VIPS_META_ORIENTATION, 8);

  const Image upright = Decode(FileOf(tagged, ".jpg"));

  EXPECT_EQ(upright.width, 16);
  EXPECT_EQ(upright.height, 64);
}

TEST_F(CodecTest, TakesAPictureOfExactlyTheLimitAndNoneBeyond) {
  const std::string file = FileOf(ToVips(Gradient(30, 20)), ".png");

  const auto within = DecodeImage(file, {.max_pixels = 600});
  const auto beyond = DecodeImage(file, {.max_pixels = 599});

  EXPECT_THAT(within, IsOk());
  EXPECT_THAT(beyond, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(std::string(beyond.status().message()),
            "image: 30x20 is 600 pixels; at most 599 are allowed");
  EXPECT_EQ(ReasonOf(beyond.status()), "TOO_MANY_PIXELS");
}

TEST_F(CodecTest, AsksAboutTheSidesOfTheUprightPicture) {
  VImage tagged = ToVips(Gradient(64, 16)).copy();
  tagged.set(VIPS_META_ORIENTATION, 8);
  std::vector<int> asked;

  const auto image = DecodeImage(FileOf(tagged, ".jpg"), {}, [&](int width, int height) {
    asked = {width, height};
    return absl::OkStatus();
  });

  EXPECT_THAT(image, IsOk());
  EXPECT_THAT(asked, ElementsAre(16, 64));
}

TEST_F(CodecTest, RefusesWhatItsCallerRefusesBeforeItReadsPixels) {
  // Cut off in the middle of its pixels: reading them would be found out.
  const std::string whole = FileOf(ToVips(Gradient(90, 70)), ".png");
  const std::string file = whole.substr(0, whole.size() / 2);

  const auto image =
      DecodeImage(file, {}, [](int, int) { return absl::ResourceExhaustedError("not now"); });

  EXPECT_THAT(image, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(CodecTest, WorksOnManyThreadsAtOnce) {
  const Image image = Gradient(61, 67);
  const std::string file = Encode(image, {});
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
