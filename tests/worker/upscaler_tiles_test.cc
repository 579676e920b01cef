// Requests whose pictures are done in tiles, or in two runs of the model.

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

namespace upscaler {
namespace {

using test::DelayEngine;
using test::Gradient;
using test::IsOk;
using test::StatusIs;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Optional;

class UpscalerTilesTest : public test::UpscalerFixture {
 protected:
  // What came of `task`, which must succeed.
  Image Picture(UpscaleTask task) {
    const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));
    EXPECT_THAT(outcome, IsOk());
    const absl::StatusOr<Image> image = DecodeImage(outcome->pictures.at(0).encoded, {});
    EXPECT_THAT(image, IsOk());
    return *image;
  }
};

TEST_F(UpscalerTilesTest, DoublesAPictureInTilesExactly) {
  StartReplica();
  UpscaleTask task = Task(61, 45);
  task.tile_size = 16;

  EXPECT_EQ(Picture(std::move(task)), DelayEngine::Doubled(Gradient(61, 45)));
  EXPECT_THAT(listener_->accepted().tiles, Ge(4));
}

TEST_F(UpscalerTilesTest, DoesInTilesWhatTheDeviceHasNoMemoryForAsAWhole) {
  StartReplica();

  // There is memory for 80x80.
  EXPECT_EQ(Picture(Task(100, 90)), DelayEngine::Doubled(Gradient(100, 90)));
  EXPECT_THAT(listener_->accepted().tiles, Ge(2));
}

TEST_F(UpscalerTilesTest, RefusesTilesThatTheDeviceHasNoMemoryFor) {
  StartReplica();
  UpscaleTask task = Task(100, 90);
  task.tile_size = 96;

  const absl::Status status = Run(std::move(task)).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("OUT_OF_MEMORY")));
}

TEST_F(UpscalerTilesTest, GoesOnFromItsLatentsToFourTimesTheSize) {
  StartReplica();
  UpscaleTask task = Task(19, 13);
  task.scale = 4;
  task.steps = 3;

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->pictures[0].size, (PictureSize{.width = 4 * 19, .height = 4 * 13}));
  EXPECT_EQ(listener_->progress().back().total_steps, 6);
}

TEST_F(UpscalerTilesTest, NeverGoesBackInItsProgress) {
  StartReplica();
  UpscaleTask task = Task(61, 45);
  task.tile_size = 16;
  task.scale = 4;

  ASSERT_THAT(Run(std::move(task)), IsOk());

  double last = 0;
  for (const JobProgress& progress : listener_->progress()) {
    EXPECT_GE(progress.fraction, last);
    EXPECT_LT(progress.fraction, 1);
    last = progress.fraction;
  }
  EXPECT_GT(last, 0.9);
}

TEST_F(UpscalerTilesTest, SaysHowAPictureWasMade) {
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.prompt = "a lighthouse";

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->pictures[0].encoded, HasSubstr("a lighthouse"));
}

TEST_F(UpscalerTilesTest, KeepsHowAPictureWasMadeToItself) {
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.prompt = "a lighthouse";
  task.embed_parameters = false;

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->pictures[0].encoded, ::testing::Not(HasSubstr("a lighthouse")));
}

}  // namespace
}  // namespace upscaler
