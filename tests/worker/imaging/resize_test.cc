#include "worker/imaging/resize.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/sample_files.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::Ramps;
using test::StatusIs;
using ::testing::Optional;

class ResizeImageTest : public ::testing::Test {
 protected:
  ResizeImageTest() { test::StartedVips(); }
};

Image Grey(int width, int height, std::uint8_t level) {
  Image image{.width = width, .height = height, .pixels = {}};
  image.pixels.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3,
                      level);
  return image;
}

// A line that gets evenly brighter from left to right: 2 levels a pixel of 100.
Image Ramp() {
  Image image = Grey(100, 1, 0);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(2 * (i / 3));
  }
  return image;
}

TEST_F(ResizeImageTest, GivesExactlyTheSizeAskedForAndKeepsAConstantPicture) {
  constexpr int kSides[] = {1, 2, 3, 16, 97, 101, 211, 997};
  for (const int from : kSides) {
    for (const int to : kSides) {
      // One axis grows where the other one shrinks.
      const absl::StatusOr<Image> image = ResizeImage(Grey(from, to, 201), to, from);

      ASSERT_THAT(image, IsOk());
      EXPECT_TRUE(*image == Grey(to, from, 201)) << from << " to " << to;
    }
  }
}

TEST_F(ResizeImageTest, KeepsSixteenBits) {
  const Image grey{.width = 1, .height = 1, .bits = 16, .pixels = {7, 200, 7, 200, 7, 200}};

  const absl::StatusOr<Image> image = ResizeImage(grey, 3, 2);

  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(image->bits, 16);
  ASSERT_EQ(image->pixels.size(), 36U);
  for (std::size_t i = 0; i < 36; ++i) EXPECT_EQ(image->pixels[i], i % 2 == 0 ? 7 : 200);
}

TEST_F(ResizeImageTest, LeavesAPictureThatHasTheSize) {
  EXPECT_EQ(*ResizeImage(Ramps(19, 5), 19, 5), Ramps(19, 5));
}

TEST_F(ResizeImageTest, MovesNothing) {
  for (const int width : {37, 50, 99, 101, 200, 250, 300}) {
    const absl::StatusOr<Image> image = ResizeImage(Ramp(), width, 1);

    ASSERT_THAT(image, IsOk());
    // Away from the ends, where there is nothing beyond that the line could go on to.
    for (int x = width / 5; x < width * 4 / 5; ++x) {
      const double expected = 2 * ((x + 0.5) * 100 / width - 0.5);
      EXPECT_NEAR(image->pixels[static_cast<std::size_t>(x) * 3], expected, 0.75)
          << x << " of " << width;
    }
  }
}

TEST_F(ResizeImageTest, AveragesFineStripesInsteadOfChoosingAmongThem) {
  Image stripes = Grey(400, 4, 0);
  for (std::size_t i = 0; i < stripes.pixels.size(); ++i) {
    stripes.pixels[i] = i / 3 % 2 == 0 ? 0 : 200;
  }

  const absl::StatusOr<Image> image = ResizeImage(stripes, 40, 4);

  ASSERT_THAT(image, IsOk());
  for (int x = 4; x < 36; ++x) EXPECT_NEAR(image->pixels[static_cast<std::size_t>(x) * 3], 100, 3);
}

TEST_F(ResizeImageTest, BringsTheLongestLineToAPixelAndBack) {
  const absl::StatusOr<Image> pixel = ResizeImage(Grey(65'535, 3, 90), 1, 1);

  ASSERT_THAT(pixel, IsOk());
  EXPECT_EQ(*pixel, Grey(1, 1, 90));
  EXPECT_EQ(*ResizeImage(*pixel, 1, 65'535), Grey(1, 65'535, 90));
}

TEST_F(ResizeImageTest, MakesASideUpToAMillionTimesShorter) {
  constexpr int kLong = 1'000'001;

  const absl::StatusOr<Image> image = ResizeImage(Grey(kLong, 1, 0), 1, 1);

  EXPECT_THAT(ResizeImage(Grey(kLong - 1, 1, 0), 1, 1), IsOk());
  EXPECT_THAT(image, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(image.status()), Optional(std::string("resize_to")));
  EXPECT_THAT(CheckResize(1, kLong, 1, 1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckResize(kLong, kLong, 2, 2), IsOk());
}

}  // namespace
}  // namespace upscaler
