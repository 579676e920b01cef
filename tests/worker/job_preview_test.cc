#include "worker/job_preview.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/started_vips.h"

namespace upscaler {
namespace {

RequestRules Rules() {
  return {.sides = {.multiple = 8, .minimum = 16}, .latents = {.channels = 4, .reduction = 2}};
}

// What a look at `width` x `height` pixels shows of a picture of the size `input`.
std::optional<JobPreview> Look(int width, int height, PictureSize input) {
  test::StartedVips();
  PictureLook look{.number = 1, .steps_done = 3};
  look.image.width = width;
  look.image.height = height;
  look.image.pixels.resize(static_cast<std::size_t>(width * height) * Image::kChannels);
  return EncodePreview(look, input, Rules(), /*total_steps=*/4);
}

TEST(JobPreviewTest, IsAJpegOfWhatTheStepsHaveMadeOut) {
  const auto preview = Look(64, 48, {.width = 64, .height = 48});

  ASSERT_TRUE(preview.has_value());
  EXPECT_EQ(preview->encoded.substr(0, 3), "\xff\xd8\xff");
  EXPECT_EQ(preview->size, (PictureSize{.width = 64, .height = 48}));
  EXPECT_EQ(preview->number, 1);
  EXPECT_EQ(preview->steps_done, 3);
  EXPECT_EQ(preview->total_steps, 4);
}

TEST(JobPreviewTest, LeavesThePaddingOut) {
  const auto preview = Look(64, 48, {.width = 61, .height = 41});

  ASSERT_TRUE(preview.has_value());
  EXPECT_EQ(preview->size, (PictureSize{.width = 61, .height = 41}));
}

// 9,216 latents are shown by every ninth of them, which 32 of them alone would not tell.
TEST(JobPreviewTest, ShowsTallAndWidePicturesAlike) {
  const auto tall = Look(4, 1024, {.width = 32, .height = 9216});
  const auto wide = Look(1024, 4, {.width = 9216, .height = 32});

  ASSERT_TRUE(tall.has_value());
  ASSERT_TRUE(wide.has_value());
  EXPECT_EQ(tall->size, (PictureSize{.width = 4, .height = 1024}));
  EXPECT_EQ(wide->size, (PictureSize{.width = 1024, .height = 4}));
}

}  // namespace
}  // namespace upscaler
