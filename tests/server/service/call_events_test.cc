#include "server/service/call_events.h"

#include <chrono>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(DescribeAcceptedTest, TellsTheSizesAndTheParts) {
  v1::UpscaleSpec spec;
  spec.set_scale(4);

  const v1::UpscaleStreamResponse::Accepted accepted = DescribeAccepted(
      {.input = {.width = 3, .height = 2}, .output = {.width = 12, .height = 8}, .tiles = 6}, spec);

  EXPECT_EQ(accepted.input_size().width(), 3U);
  EXPECT_EQ(accepted.input_size().height(), 2U);
  EXPECT_EQ(accepted.output_size().width(), 12U);
  EXPECT_EQ(accepted.output_size().height(), 8U);
  EXPECT_EQ(accepted.tile_count(), 6U);
  EXPECT_EQ(accepted.effective_spec().scale(), 4U);
}

TEST(DescribeProgressTest, GuessesTheTimeLeftFromThePaceSoFar) {
  const TimePoint first{};
  JobProgress progress{.steps_done = 1, .total_steps = 4, .fraction = 0.25};

  const auto quarter = DescribeProgress(progress, first, first + std::chrono::seconds(10));
  progress.fraction = 0;
  const auto nothing = DescribeProgress(progress, first, first + std::chrono::seconds(10));

  EXPECT_EQ(quarter.eta().seconds(), 30);
  EXPECT_FALSE(nothing.has_eta());
}

}  // namespace
}  // namespace upscaler
