// Pictures that are resized before they are upscaled.

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/delay_engine.h"
#include "tests/support/pictures.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/upscaler_fixture.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/image.h"
#include "worker/imaging/resize.h"

namespace upscaler {
namespace {

using test::CollectingListener;
using test::DelayEngine;
using test::Gradient;
using test::IsOk;
using test::StatusIs;
using ::testing::Optional;

class ResizingTest : public test::UpscalerFixture {};

TEST_F(ResizingTest, ResizesAPictureFirstWhereThatIsWanted) {
  StartReplica();
  UpscaleTask task = Task(/*width=*/19, /*height=*/5);
  task.resize_to = {.width = 7, .height = 31};

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  ASSERT_THAT(outcome, IsOk());
  const absl::StatusOr<Image> image = DecodeImage(outcome->pictures[0].encoded, {});
  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(*image, DelayEngine::Doubled(*ResizeImage(Gradient(19, 5), 7, 31)));
  EXPECT_EQ(listener_->input(), (PictureSize{.width = 7, .height = 31}));
}

TEST_F(ResizingTest, LimitsThePictureBothAsItComesAndResized) {
  StartReplica();
  UpscaleTask large = Task(101, 100);
  large.resize_to = {.width = 16, .height = 16};
  UpscaleTask enlarged = Task(16, 16);
  enlarged.resize_to = {.width = 101, .height = 100};

  const absl::Status comes = Run(std::move(large)).status();
  listener_ = std::make_shared<CollectingListener>();
  const absl::Status resized = Run(std::move(enlarged)).status();

  for (const auto& [status, field] : {std::pair(comes, "image"), std::pair(resized, "resize_to")}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(FieldOf(status), Optional(std::string(field)));
    EXPECT_THAT(ReasonOf(status), Optional(std::string("TOO_MANY_PIXELS")));
  }
}

TEST_F(ResizingTest, EstimatesWhatResizingTakesBeside) {
  UpscaleTask task = Task(16, 16);
  const absl::StatusOr<UpscaleEstimate> as_it_is =
      upscaler_.Estimate(task, {.width = 24, .height = 16});
  task.resize_to = {.width = 24, .height = 16};

  const absl::StatusOr<UpscaleEstimate> resized =
      upscaler_.Estimate(task, {.width = 50, .height = 40});

  ASSERT_THAT(as_it_is, IsOk());
  ASSERT_THAT(resized, IsOk());
  EXPECT_EQ(resized->output, (PictureSize{.width = 48, .height = 32}));
  EXPECT_EQ(resized->device_bytes, as_it_is->device_bytes);
  EXPECT_EQ(resized->host_bytes, as_it_is->host_bytes + 50 * 40 * 3);
}

}  // namespace
}  // namespace upscaler
