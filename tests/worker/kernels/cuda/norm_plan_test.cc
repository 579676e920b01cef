#include "worker/kernels/cuda/norm_plan.h"

#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

// Of an H100.
constexpr std::int64_t kMultiprocessors = 132;

std::int64_t Blocks(const GridSize& grid) { return std::int64_t{grid.x} * grid.y * grid.z; }

// The UNet's finest level for a picture of 1024x1024, where ATen's kernel would have 12 blocks.
TEST(NormPlanTest, GivesALargeDeviceWorkForEachGroup) {
  const NormPlan plan =
      PlanNorm({.pictures = 1, .pixels = 128 * 128, .channels = 384, .groups = 12, .width = 8});

  EXPECT_GE(Blocks(plan.MeasureGrid()), 2 * kMultiprocessors);
  EXPECT_GE(Blocks(plan.ApplyGrid()), 4 * kMultiprocessors);
}

TEST(NormPlanTest, DoesNotStartMoreThreadsThanThereIsWorkFor) {
  const NormPlan plan =
      PlanNorm({.pictures = 1, .pixels = 64, .channels = 768, .groups = 24, .width = 8});

  EXPECT_LE(plan.chunks, 2);
}

// So that its sum in float is exact enough.
TEST(NormPlanTest, BoundsWhatAThreadAddsUp) {
  for (const std::int64_t pixels : {std::int64_t{1} << 16, std::int64_t{1} << 22}) {
    for (const std::int64_t channels : {8, 128, 1024}) {
      const NormPlan plan = PlanNorm(
          {.pictures = 8, .pixels = pixels, .channels = channels, .groups = 8, .width = 8});

      EXPECT_LE(plan.pixels_in_chunk, 256 * plan.rows) << pixels << ", " << channels;
    }
  }
}

TEST(NormPlanTest, CoversEveryPixelOnce) {
  for (std::int64_t pixels = 1; pixels < 3000; pixels += 7) {
    const NormPlan plan =
        PlanNorm({.pictures = 1, .pixels = pixels, .channels = 24, .groups = 3, .width = 4});

    EXPECT_GE(plan.chunks * plan.pixels_in_chunk, pixels);
    EXPECT_LT((plan.chunks - 1) * plan.pixels_in_chunk, pixels);
  }
}

TEST(NormPlanTest, RefusesWhatItsIndicesCannotCount) {
  NormSizes sizes{.pictures = 1, .pixels = 1 << 22, .channels = 512, .groups = 32, .width = 8};
  EXPECT_TRUE(HasNormPlan(sizes));

  sizes.width = 1;
  EXPECT_FALSE(HasNormPlan(sizes));
  EXPECT_FALSE(
      HasNormPlan({.pictures = 70000, .pixels = 4, .channels = 8, .groups = 1, .width = 8}));
}

}  // namespace
}  // namespace upscaler
