#include "worker/upscaler.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/collecting_listener.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_engine.h"
#include "tests/support/null_observer.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "worker/scheduler/replica.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CollectingListener;
using test::FakeClock;
using test::FakeEngine;
using test::Gradient;
using test::GradientPng;
using test::IsOk;
using test::NullObserver;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Optional;
using ::testing::SizeIs;

class UpscalerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kCapacity = 4;

  UpscalerTest() { test::StartedVips(); }
  ~UpscalerTest() override { queue_.Close(); }

  void StartReplica() {
    replica_ = std::make_unique<Replica>(queue_, std::make_unique<FakeEngine>(script_),
                                         /*max_batch=*/2, clock_, observer_);
  }

  UpscaleTask Task(int width, int height) {
    return UpscaleTask{.encoded_image = GradientPng(width, height),
                       .prompt = "a cat",
                       .negative_prompt = "",
                       .guidance_scale = 1,
                       .steps = 3,
                       .seed = 10,
                       .output = {},
                       .deadline = clock_.Now() + 10s};
  }

  absl::StatusOr<UpscaleOutcome> Run(UpscaleTask task) {
    const absl::StatusOr<std::shared_ptr<CancelToken>> job =
        upscaler_.Start(std::move(task), listener_);
    if (!job.ok()) return job.status();
    return listener_->AwaitOutcome();
  }

  FakeClock clock_;
  NullObserver observer_;
  FakeEngine::Script script_;
  RowQueue queue_{kCapacity, clock_};
  ThreadPool pool_{/*threads=*/2};
  Upscaler upscaler_{{.sides = {.multiple = 8, .minimum = 16}, .limits = {.max_pixels = 10'000}},
                     queue_,
                     pool_,
                     clock_,
                     observer_};
  std::shared_ptr<CollectingListener> listener_ = std::make_shared<CollectingListener>();
  std::unique_ptr<Replica> replica_;
};

TEST_F(UpscalerTest, DoublesAPictureOfAnySizeExactly) {
  StartReplica();

  const absl::StatusOr<UpscaleOutcome> outcome = Run(Task(/*width=*/19, /*height=*/5));

  ASSERT_THAT(outcome, IsOk());
  ASSERT_THAT(outcome->pictures, SizeIs(1));
  const absl::StatusOr<Image> image = DecodeImage(outcome->pictures[0].encoded, {});
  ASSERT_THAT(image, IsOk());
  // The engine repeats pixels, so what was padded and cropped is seen to be gone.
  EXPECT_EQ(*image, FakeEngine::Doubled(Gradient(19, 5)));
  EXPECT_EQ(listener_->input().width, 19);
}

TEST_F(UpscalerTest, MakesAsManyPicturesAsAskedEachWithItsSeed) {
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.image_count = 3;

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  ASSERT_THAT(outcome, IsOk());
  std::vector<std::uint64_t> seeds;
  for (const UpscaledPicture& picture : outcome->pictures) seeds.push_back(picture.seed);
  EXPECT_THAT(seeds, ElementsAre(10, 11, 12));
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(UpscalerTest, ReportsEveryStepOfEveryPicture) {
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.image_count = 2;

  ASSERT_THAT(Run(std::move(task)), IsOk());

  const std::vector<JobProgress> progress = listener_->progress();
  ASSERT_THAT(progress, SizeIs(2 + 2 * 3));
  EXPECT_EQ(progress.back().steps_done, 6);
  EXPECT_EQ(progress.back().total_steps, 6);
  EXPECT_EQ(progress.back().stage, Stage::kModelDecode);
}

TEST_F(UpscalerTest, RefusesWhatIsNoPictureAndGivesItsPlaceBack) {
  UpscaleTask task = Task(16, 16);
  task.encoded_image = "this is not a picture";

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(outcome.status()), Optional(std::string("image")));
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(UpscalerTest, RefusesAThinPictureThatPaddingWouldMakeTooLarge) {
  const absl::StatusOr<UpscaleOutcome> outcome = Run(Task(/*width=*/5000, /*height=*/1));

  EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(outcome.status()), Optional(std::string("image")));
}

TEST_F(UpscalerTest, RefusesAResultThatItsFormatCannotHoldBeforeTheModelRuns) {
  UpscaleTask task = Task(/*width=*/8200, /*height=*/1);
  task.output.format = ImageFormat::kWebp;
  Upscaler upscaler({.sides = {.multiple = 1, .minimum = 1}, .limits = {}}, queue_, pool_, clock_,
                    observer_);

  ASSERT_THAT(upscaler.Start(std::move(task), listener_), IsOk());

  const absl::Status status = listener_->AwaitOutcome().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(status), Optional(std::string("output_format")));
  EXPECT_THAT(script_.steps(), SizeIs(0));
}

TEST_F(UpscalerTest, RefusesWhatIsBeyondTheQueueAtOnce) {
  UpscaleTask filling = Task(16, 16);
  filling.image_count = kCapacity;
  const auto first = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler_.Start(std::move(filling), first), IsOk());

  EXPECT_THAT(Run(Task(16, 16)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(listener_->ends(), 0U);

  StartReplica();
  EXPECT_THAT(first->AwaitOutcome(), IsOk());
  EXPECT_THAT(Run(Task(16, 16)), IsOk());
}

TEST_F(UpscalerTest, RefusesARequestWhoseDeadlineHasPassed) {
  UpscaleTask task = Task(16, 16);
  task.deadline = clock_.Now();

  EXPECT_THAT(Run(std::move(task)), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(UpscalerTest, CancellingAQueuedRequestFreesItsPlacesAtOnce) {
  const auto job = upscaler_.Start(Task(16, 16), listener_);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(listener_->AwaitQueued(), 0U);
  const auto second = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler_.Start(Task(16, 16), second), IsOk());
  second->AwaitQueued();

  upscaler_.Cancel(**job);
  StartReplica();

  EXPECT_THAT(listener_->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(second->AwaitOutcome(), IsOk());
}

TEST_F(UpscalerTest, AFailureOfOnePictureFailsTheRequestOnceAndStopsTheOthers) {
  script_.FailStep(/*seed=*/11, /*step=*/1, absl::InternalError("not finite"));
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.image_count = 2;
  task.steps = 100;

  EXPECT_THAT(Run(std::move(task)), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(listener_->ends(), 1U);
  EXPECT_THAT(script_.steps(), SizeIs(::testing::Lt(100)));
}

TEST_F(UpscalerTest, WaitsForRequestsToEndAndCancelsThemOnDemand) {
  ASSERT_THAT(upscaler_.Start(Task(16, 16), listener_), IsOk());
  listener_->AwaitQueued();
  upscaler_.AwaitIdle(SteadyClock().Now());  // Returns, though the request is there.
  EXPECT_EQ(listener_->ends(), 0U);

  upscaler_.CancelAll();
  StartReplica();
  upscaler_.AwaitIdle(TimePoint::max());

  EXPECT_EQ(listener_->ends(), 1U);
  EXPECT_THAT(listener_->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(UpscalerTest, TellsHowManyRowsAreAhead) {
  UpscaleTask task = Task(16, 16);
  task.image_count = 2;
  const auto first = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler_.Start(std::move(task), first), IsOk());
  EXPECT_EQ(first->AwaitQueued(), 0U);

  ASSERT_THAT(upscaler_.Start(Task(16, 16), listener_), IsOk());

  EXPECT_EQ(listener_->AwaitQueued(), 2U);
  StartReplica();
  EXPECT_THAT(listener_->AwaitOutcome(), IsOk());
  EXPECT_THAT(first->AwaitOutcome(), IsOk());
}

}  // namespace
}  // namespace upscaler
