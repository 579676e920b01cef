#include "worker/imaging/padding.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/imaging/sample_files.h"

namespace upscaler {
namespace {

using test::Ramps;
using ::testing::Each;
using ::testing::ElementsAre;

// A picture of which only the red channel matters, from its values row by row.
Image RedImage(int width, int height, const std::vector<std::uint8_t>& reds) {
  Image image{.width = width, .height = height, .pixels = {}};
  for (const std::uint8_t red : reds) image.pixels.insert(image.pixels.end(), {red, 0, 0});
  return image;
}

std::vector<int> Reds(const Image& image) {
  std::vector<int> reds;
  for (std::size_t i = 0; i < image.pixels.size(); i += Image::kChannels) {
    reds.push_back(image.pixels[i]);
  }
  return reds;
}

TEST(PaddedSideTest, KeepsASideThatKeepsTheRule) {
  EXPECT_EQ(PaddedSide(128, {.multiple = 64, .minimum = 64}), 128);
}

TEST(PaddedSideTest, GoesUpToTheNextMultiple) {
  EXPECT_EQ(PaddedSide(129, {.multiple = 64, .minimum = 64}), 192);
}

TEST(PaddedSideTest, GoesUpToTheMinimum) {
  EXPECT_EQ(PaddedSide(1, {.multiple = 64, .minimum = 128}), 128);
}

TEST(PaddedSideTest, GoesUpToTheMultipleBeyondTheMinimum) {
  EXPECT_EQ(PaddedSide(1, {.multiple = 64, .minimum = 100}), 128);
}

TEST(PadByReflectionTest, LeavesAPictureThatKeepsTheRule) {
  const Image image = Ramps(16, 8);

  EXPECT_EQ(PadByReflection(image, {.multiple = 8, .minimum = 8}), image);
}

TEST(PadByReflectionTest, RepeatsTheEdgeThenGoesBack) {
  const Image row = RedImage(3, 1, {1, 2, 3});

  const Image padded = PadByReflection(row, {.multiple = 5, .minimum = 1});

  EXPECT_EQ(padded.width, 5);
  EXPECT_EQ(padded.height, 5);
  EXPECT_THAT(std::vector(padded.pixels.begin(), padded.pixels.begin() + 15),
              ElementsAre(1, 0, 0, 2, 0, 0, 3, 0, 0, 3, 0, 0, 2, 0, 0));
}

TEST(PadByReflectionTest, ReflectsAgainWhereThePictureIsSmallerThanTheBorder) {
  const Image row = RedImage(2, 1, {1, 2});

  const Image padded = PadByReflection(row, {.multiple = 1, .minimum = 9});

  const std::vector<int> reds = Reds(padded);
  EXPECT_THAT(std::vector(reds.begin(), reds.begin() + 9), ElementsAre(1, 2, 2, 1, 1, 2, 2, 1, 1));
}

TEST(PadByReflectionTest, ReflectsDownwardsToo) {
  const Image column = RedImage(1, 2, {1, 2});

  const Image padded = PadByReflection(column, {.multiple = 3, .minimum = 1});

  EXPECT_THAT(Reds(padded), ElementsAre(1, 1, 1, 2, 2, 2, 2, 2, 2));
}

TEST(PadByReflectionTest, FillsTheWholeFromOnePixel) {
  const Image padded = PadByReflection(RedImage(1, 1, {7}), {.multiple = 64, .minimum = 64});

  EXPECT_EQ(padded.pixels.size(), std::size_t{64} * 64 * 3);
  EXPECT_THAT(Reds(padded), Each(7));
}

TEST(PadByReflectionTest, KeepsThePictureInTheUpperLeft) {
  const Image image = Ramps(13, 29);

  const Image padded = PadByReflection(image, {.multiple = 64, .minimum = 64});

  const auto row_bytes = static_cast<std::ptrdiff_t>(image.bytes_per_row());
  const auto padded_row_bytes = static_cast<std::ptrdiff_t>(padded.bytes_per_row());
  for (int y = 0; y < image.height; ++y) {
    const auto row = image.pixels.begin() + y * row_bytes;
    EXPECT_TRUE(std::equal(row, row + row_bytes, padded.pixels.begin() + y * padded_row_bytes))
        << y;
  }
}

TEST(PadByReflectionTest, KeepsSixteenBits) {
  const Image image{
      .width = 2, .height = 1, .bits = 16, .pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

  const Image padded = PadByReflection(image, {.multiple = 3, .minimum = 1});

  EXPECT_EQ(padded.bits, 16);
  EXPECT_EQ(padded.width, 3);
  EXPECT_THAT(std::vector(padded.pixels.begin(), padded.pixels.begin() + 18),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 7, 8, 9, 10, 11, 12));
  EXPECT_EQ(padded.pixels.size(), 54U);
}

}  // namespace
}  // namespace upscaler
