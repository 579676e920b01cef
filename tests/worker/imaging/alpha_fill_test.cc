#include "worker/imaging/alpha_fill.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/image_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/encode.h"
#include "worker/imaging/resize.h"

namespace upscaler {
namespace {

using test::IsOk;
using ::testing::Each;

AlphaPlane Plane(int width, int height, const std::vector<std::uint8_t>& samples) {
  return {.width = width, .height = height, .samples = samples};
}

// A picture of greys.
Image Greys(int width, int height, const std::vector<std::uint8_t>& greys) {
  Image image{.width = width, .height = height, .pixels = {}};
  for (const std::uint8_t grey : greys) image.pixels.insert(image.pixels.end(), 3, grey);
  return image;
}

// The first channel.
std::vector<int> Levels(const Image& image) {
  std::vector<int> levels;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) levels.push_back(image.pixels[i]);
  return levels;
}

TEST(FillTransparentTest, GivesTheInvisibleTheColourOfTheOnlyVisiblePixel) {
  for (const int side : {2, 3, 5, 16, 33}) {
    const auto count = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    std::vector<std::uint8_t> greys(count, 0);
    std::vector<std::uint8_t> alpha(count, 0);
    greys[count / 2] = 200;
    alpha[count / 2] = 255;
    Image image = Greys(side, side, greys);

    FillTransparent(image, Plane(side, side, alpha));

    EXPECT_THAT(Levels(image), Each(200)) << side;
  }
}

TEST(FillTransparentTest, LeavesTheVisibleAsItIs) {
  Image image = Greys(4, 1, {10, 90, 170, 250});

  FillTransparent(image, Plane(4, 1, {1, 255, 128, 0}));

  EXPECT_EQ(image.pixels[0], 10);
  EXPECT_EQ(image.pixels[3], 90);
  EXPECT_EQ(image.pixels[6], 170);
  EXPECT_GT(image.pixels[9], 90);
  EXPECT_LE(image.pixels[9], 170);
}

TEST(FillTransparentTest, LeavesAPictureOfWhichNothingOrAllIsVisible) {
  const Image image = test::Ramps(9, 7);
  for (const std::uint8_t alpha : std::vector<std::uint8_t>{0, 255}) {
    Image filled = image;

    FillTransparent(filled, Plane(9, 7, std::vector<std::uint8_t>(63, alpha)));

    EXPECT_EQ(filled, image);
  }
}

TEST(FillTransparentTest, GoesSmoothlyFromOneColourToTheOther) {
  std::vector<std::uint8_t> greys(64, 0);
  std::vector<std::uint8_t> alpha(64, 0);
  greys[0] = 50;
  greys[63] = 250;
  alpha[0] = alpha[63] = 255;
  Image image = Greys(64, 1, greys);

  FillTransparent(image, Plane(64, 1, alpha));

  for (std::size_t i = 1; i < 64; ++i) {
    EXPECT_GE(image.pixels[3 * i], image.pixels[3 * (i - 1)]) << i;
    EXPECT_LT(image.pixels[3 * i] - image.pixels[3 * (i - 1)], 40) << i;
  }
}

TEST(FillTransparentTest, WorksInSixteenBits) {
  const std::vector<std::uint16_t> colours = {40'000, 30'000, 20'000, 0, 0, 0};
  const std::vector<std::uint16_t> alphas = {65'535, 0};
  Image image{.width = 2, .height = 1, .bits = 16, .pixels = std::vector<std::uint8_t>(12)};
  std::memcpy(image.pixels.data(), colours.data(), 12);
  AlphaPlane alpha{.width = 2, .height = 1, .bits = 16, .samples = std::vector<std::uint8_t>(4)};
  std::memcpy(alpha.samples.data(), alphas.data(), 4);

  FillTransparent(image, alpha);

  EXPECT_EQ(std::memcmp(image.pixels.data(), image.pixels.data() + 6, 6), 0);
}

// The whole way: a red disc on transparent black is doubled and laid over white. Without the
// filling there would be a dark ring around it.
TEST(FillTransparentTest, LeavesNoFringe) {
  test::StartedVips();
  constexpr int kSide = 40;
  Image disc{.width = kSide, .height = kSide, .pixels = {}};
  std::vector<std::uint8_t> alpha;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const bool inside = (x - 19) * (x - 19) + (y - 20) * (y - 20) < 150;
      disc.pixels.insert(disc.pixels.end(), {static_cast<std::uint8_t>(inside ? 255 : 0), 0, 0});
      alpha.push_back(inside ? 255 : 0);
    }
  }
  const PictureTraits traits{.alpha =
                                 std::make_shared<const AlphaPlane>(Plane(kSide, kSide, alpha))};
  FillTransparent(disc, *traits.alpha);

  const auto doubled = ResizeImage(disc, 2 * kSide, 2 * kSide);
  ASSERT_THAT(doubled, IsOk());
  const auto file = EncodePicture(*doubled, 2 * kSide, 2 * kSide, traits, {});
  ASSERT_THAT(file, IsOk());
  const auto seen = DecodePicture(*file, {}, AlphaPolicy::kDrop);

  ASSERT_THAT(seen, IsOk());
  // Whatever is between red and white is as red as can be.
  for (std::size_t i = 0; i < seen->image.pixels.size(); i += 3) {
    EXPECT_GE(seen->image.pixels[i], 253);
  }
}

}  // namespace
}  // namespace upscaler
