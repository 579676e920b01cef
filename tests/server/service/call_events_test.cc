#include "server/service/call_events.h"

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

}  // namespace
}  // namespace upscaler
