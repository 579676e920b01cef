#include "worker/imaging/image_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;

TEST(ImageFormatTest, KnowsWhatEachFormatCanHold) {
  EXPECT_FALSE(FormatHasAlpha(ImageFormat::kJpeg));
  EXPECT_TRUE(FormatHasAlpha(ImageFormat::kAvif));
  EXPECT_TRUE(FormatHasGrey(ImageFormat::kJpeg));
  EXPECT_FALSE(FormatHasGrey(ImageFormat::kWebp));
  EXPECT_TRUE(FormatHas16Bits(ImageFormat::kTiff));
  EXPECT_FALSE(FormatHas16Bits(ImageFormat::kAvif));
}

TEST(ImageFormatTest, RefusesSidesBeyondTheFormats) {
  EXPECT_THAT(CheckSides(1, 16'384, ImageFormat::kAvif), IsOk());
  EXPECT_THAT(CheckSides(16'383, 1, ImageFormat::kWebp), IsOk());
  const absl::Status status = CheckSides(1, 16'385, ImageFormat::kAvif);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(FieldOf(status), "output_format");
}

TEST(ImageFormatTest, RefusesBitsThatAreNone) {
  EXPECT_THAT(CheckBits(16, ImageFormat::kPng), IsOk());
  EXPECT_THAT(CheckBits(8, ImageFormat::kJpeg), IsOk());
  for (const int bits : {0, 7, 12, 16}) {
    const absl::Status status = CheckBits(bits, ImageFormat::kWebp);
    EXPECT_EQ(FieldOf(status), "bit_depth");
    EXPECT_EQ(std::string(status.message()),
              "bit_depth: " + std::to_string(bits) + " given; WebP has 8 alone");
  }
}

}  // namespace
}  // namespace upscaler
