#include "worker/request_plan.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

class RequestPlanTest : public ::testing::Test {
 protected:
  RequestPlanTest() {
    rules_.sides = {.multiple = 8, .minimum = 16};
    rules_.latents = {.channels = 4, .reduction = 2};
    rules_.limits.max_pixels = std::int64_t{1} << 26;
    rules_.tiling = {.max_whole_pixels = 1 << 20, .side = 512};
    task_.steps = 2;
  }

  RequestPlan Plan(const PictureHeader& came) {
    const absl::StatusOr<RequestPlan> plan = PlanRequest(rules_, costs_, task_, came);
    EXPECT_THAT(plan, IsOk());
    return plan.ok() ? *plan : RequestPlan{};
  }

  RequestRules rules_;
  CostModel costs_{1};
  UpscaleTask task_;
};

constexpr PictureHeader kSmall = {.width = 64, .height = 48};
constexpr std::int64_t kPixels = 64 * 48;
constexpr std::int64_t kAnswerPixels = 4 * kPixels;

TEST_F(RequestPlanTest, CountsTheInputTwiceTheResultAndTheFile) {
  EXPECT_EQ(Plan(kSmall).host_bytes, kPixels * 3 * 2 + kAnswerPixels * 3 * 2);
}

TEST_F(RequestPlanTest, CountsWhatTheAnswerIsMadeOf) {
  const std::int64_t plain = Plan(kSmall).host_bytes;

  task_.output.bits = 16;
  EXPECT_EQ(Plan(kSmall).host_bytes, plain + kAnswerPixels * 3 * 2);
  task_.output = {.format = ImageFormat::kJpeg};
  EXPECT_EQ(Plan(kSmall).host_bytes, plain - kAnswerPixels * 2);
  task_.output = {.format = ImageFormat::kWebp, .lossless = true};
  EXPECT_EQ(Plan(kSmall).host_bytes, plain + kAnswerPixels * 32);
  task_.output = {.format = ImageFormat::kAvif};
  EXPECT_EQ(Plan(kSmall).host_bytes, plain + kAnswerPixels * (32 - 2));
}

TEST_F(RequestPlanTest, CountsWhatThePictureComesWith) {
  const std::int64_t plain = Plan(kSmall).host_bytes;

  PictureHeader turned = kSmall;
  turned.turned = true;
  EXPECT_EQ(Plan(turned).host_bytes, plain + kPixels * 3);
  // Its samples, those of the answer, and what filling takes.
  PictureHeader clear = kSmall;
  clear.alpha = true;
  EXPECT_EQ(Plan(clear).host_bytes, plain + kPixels + kAnswerPixels + kPixels * 6);
  // Of the input, and of a result whose colours may have to be moved.
  PictureHeader deep = kSmall;
  deep.bits = 16;
  EXPECT_EQ(Plan(deep).host_bytes, plain + kPixels * 3 * 2 + kAnswerPixels * 3);
}

TEST_F(RequestPlanTest, CountsTheBandsOfATiledPicture) {
  const PictureHeader large = {.width = 8192, .height = 8192};
  const std::int64_t pixels = std::int64_t{8192} * 8192;
  const std::int64_t latents = 5 * pixels / 4 * 4 * 4;
  const std::int64_t band = std::int64_t{1024} * 16384 * 3 * 10;

  const RequestPlan plan = Plan(large);

  EXPECT_EQ(plan.runs.front().tile_side, 512);
  EXPECT_EQ(plan.host_bytes, pixels * 3 * 2 + latents + band + 4 * pixels * 3);
  EXPECT_LT(plan.host_bytes, 4096 * kMebibyte);
}

TEST_F(RequestPlanTest, MakesTilesSmallerWhereARowOfThemWouldBeWide) {
  EXPECT_EQ(Plan({.width = 1 << 14, .height = 4096}).runs.front().tile_side, 512);
  EXPECT_EQ(Plan({.width = 1 << 15, .height = 2048}).runs.front().tile_side, 256);
  EXPECT_EQ(Plan({.width = 1 << 17, .height = 512}).runs.front().tile_side, 64);
  // Who names a size gets it.
  task_.tile_size = 512;
  EXPECT_EQ(Plan({.width = 1 << 17, .height = 512}).runs.front().tile_side, 512);
}

TEST_F(RequestPlanTest, SaysOfTilesThatDoNotFitWhichOnesWould) {
  rules_.memory = {.row_bytes = [](const BatchKey& key) { return key.width * key.height; },
                   .bytes = 512 * 512};
  task_.tile_size = 1024;

  const auto plan = PlanRequest(rules_, costs_, task_, {.width = 4096, .height = 2048});

  EXPECT_THAT(plan.status(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(plan.status()), Optional(std::string("OUT_OF_MEMORY")));
  EXPECT_THAT(plan.status().message(), HasSubstr("tile_size 512 should fit"));
}

}  // namespace
}  // namespace upscaler
