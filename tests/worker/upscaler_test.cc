#include "worker/upscaler.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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

using namespace std::chrono_literals;
using test::CollectingListener;
using test::DelayEngine;
using test::Gradient;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;

class UpscalerTest : public test::UpscalerFixture {};

TEST_F(UpscalerTest, DoublesAPictureOfAnySizeExactly) {
  StartReplica();

  const absl::StatusOr<UpscaleOutcome> outcome = Run(Task(/*width=*/19, /*height=*/5));

  ASSERT_THAT(outcome, IsOk());
  ASSERT_THAT(outcome->pictures, SizeIs(1));
  const absl::StatusOr<Image> image = DecodeImage(outcome->pictures[0].encoded, {});
  ASSERT_THAT(image, IsOk());
  // The engine repeats pixels, so what was padded and cropped is seen to be gone.
  EXPECT_EQ(*image, DelayEngine::Doubled(Gradient(19, 5)));
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
  EXPECT_EQ(admission_.rows(), 0U);
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
  EXPECT_DOUBLE_EQ(progress.back().fraction, 6.0 / 7);  // Decoding is still to come.
  EXPECT_EQ(progress.back().stage, Stage::kVaeDecode);
}

TEST_F(UpscalerTest, RefusesWhatIsNoPictureAndGivesItsPlaceBack) {
  UpscaleTask task = Task(16, 16);
  task.input = "this is not a picture";

  const absl::StatusOr<UpscaleOutcome> outcome = Run(std::move(task));

  EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(outcome.status()), Optional(std::string("image")));
  EXPECT_EQ(admission_.rows(), 0U);
}

TEST_F(UpscalerTest, RefusesAThinPictureThatPaddingWouldMakeTooLarge) {
  const absl::StatusOr<UpscaleOutcome> outcome = Run(Task(/*width=*/5000, /*height=*/1));

  EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(outcome.status()), Optional(std::string("image")));
}

TEST_F(UpscalerTest, RefusesAResultThatItsFormatCannotHoldBeforeTheModelRuns) {
  UpscaleTask task = Task(/*width=*/8200, /*height=*/1);
  task.output.format = ImageFormat::kWebp;
  Upscaler upscaler({.rules = {.sides = {.multiple = 1, .minimum = 1}}}, admission_, parts_,
                    {pool_, pool_});

  ASSERT_THAT(upscaler.Start(std::move(task), listener_), IsOk());

  const absl::Status status = listener_->AwaitOutcome().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(status), Optional(std::string("output_format")));
  EXPECT_THAT(script_.passes(), IsEmpty());
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
  script_.FailRow({.seed = 11, .step = 1}, absl::InternalError("not finite"));
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.image_count = 2;
  task.steps = 100;

  EXPECT_THAT(Run(std::move(task)), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(listener_->ends(), 1U);
  EXPECT_THAT(script_.passes(), SizeIs(Lt(100)));
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
  const absl::Status status = listener_->AwaitOutcome().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("DRAINING")));
  EXPECT_THAT(RetryAfterOf(status), Optional(Ge(1ms)));
}

TEST_F(UpscalerTest, TellsHowManyRowsAreAhead) {
  MeasureStep(1s);
  UpscaleTask longer = Task(16, 16, TimePoint::max());
  longer.image_count = 2;
  longer.steps = 9;
  const auto first = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler_.Start(std::move(longer), first), IsOk());
  AwaitDepth(2);
  UpscaleTask longest = Task(16, 16, TimePoint::max());
  longest.steps = 10;
  const auto last = std::make_shared<CollectingListener>();

  ASSERT_THAT(upscaler_.Start(Task(16, 16), listener_), IsOk());
  AwaitDepth(3);
  ASSERT_THAT(upscaler_.Start(std::move(longest), last), IsOk());

  EXPECT_EQ(first->AwaitQueued(), 0U);
  EXPECT_EQ(listener_->AwaitQueued(), 0U);  // Shorter ones go first.
  EXPECT_EQ(last->AwaitQueued(), 3U);
  StartReplica();
  EXPECT_THAT(listener_->AwaitOutcome(), IsOk());
  EXPECT_THAT(first->AwaitOutcome(), IsOk());
  EXPECT_THAT(last->AwaitOutcome(), IsOk());
}

TEST_F(UpscalerTest, SaysWhenThereWillBeRoomFromTheWorkAhead) {
  MeasureStep(10s);
  std::vector<std::shared_ptr<CollectingListener>> admitted;
  for (std::size_t i = 0; i < kCapacity; ++i) {
    admitted.push_back(std::make_shared<CollectingListener>());
    ASSERT_THAT(upscaler_.Start(Task(16, 16, TimePoint::max()), admitted.back()), IsOk());
  }
  AwaitDepth(kCapacity);

  const absl::Status one = Run(Task(16, 16)).status();
  UpscaleTask three_pictures = Task(16, 16);
  three_pictures.image_count = 3;
  const absl::Status three = Run(std::move(three_pictures)).status();

  EXPECT_THAT(one, StatusIs(absl::StatusCode::kResourceExhausted));
  // Three steps of ten seconds until the first of the four is done.
  EXPECT_THAT(RetryAfterOf(one), Optional(30s));
  EXPECT_THAT(RetryAfterOf(three), Optional(90s));
}

TEST_F(UpscalerTest, RefusesADeadlineThatCannotBeMetAndSaysWhatItWouldTake) {
  MeasureStep(10s);
  UpscaleTask task = Task(16, 16);
  task.deadline = clock_.Now() + 29s;

  const absl::Status status = Run(std::move(task)).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("DEADLINE_UNREACHABLE")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("29.0 s are left, about 30.0 s are needed"));
  EXPECT_THAT(script_.passes(), IsEmpty());
}

TEST_F(UpscalerTest, TakesADeadlineThatOnlyAnEstimateFromAnotherSizeWouldRefuse) {
  costs_.NoteStep({.width = 64, .height = 64, .guided = false}, /*rows=*/1, 1h);
  StartReplica();

  EXPECT_THAT(Run(Task(16, 16)), IsOk());
}

TEST_F(UpscalerTest, RefusesAPictureThatTheDeviceHasNoMemoryForAndNamesOneThatFits) {
  UpscaleTask task = Task(/*width=*/96, /*height=*/96);
  task.tile_size = 96;

  const absl::Status status = Run(std::move(task)).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("OUT_OF_MEMORY")));
  EXPECT_EQ(RetryAfterOf(status), std::nullopt);
  EXPECT_THAT(std::string(status.message()), HasSubstr("96x96"));
  EXPECT_THAT(script_.passes(), IsEmpty());
}

TEST_F(UpscalerTest, BoundsTheBytesOfWhatItHasTakenOn) {
  Admission narrow({.rows = 64, .bytes = 60'000});
  Upscaler upscaler({.rules = {.sides = kSides}}, narrow, parts_, {pool_, pool_});
  const auto first = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler.Start(Task(40, 40), first), IsOk());
  first->AwaitQueued();

  ASSERT_THAT(upscaler.Start(Task(40, 40), listener_), IsOk());

  const absl::Status status = listener_->AwaitOutcome().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("QUEUE_FULL")));
  EXPECT_THAT(RetryAfterOf(status), Optional(::testing::Gt(0ms)));
  StartReplica();
  EXPECT_THAT(first->AwaitOutcome(), IsOk());
}

TEST_F(UpscalerTest, ACallerThatGoesAwayBeforeItsPictureIsWrittenIsCountedSo) {
  // Shared: a thread may still be on its way out of the wait when the test is over.
  const auto cancelled = std::make_shared<std::latch>(1);
  script_.HangDecodings();
  StartReplica();
  const auto job = upscaler_.Start(Task(16, 16), listener_);
  ASSERT_THAT(job, IsOk());
  script_.AwaitHanging();
  for (int i = 0; i < 2; ++i) {  // Both threads of the pool.
    pool_.Add([cancelled] { cancelled->wait(); });
  }
  script_.Release();
  while (script_.finished() == 0 || !observer_.heard().stages.contains(Stage::kVaeDecode)) {
    std::this_thread::yield();
  }

  upscaler_.Cancel(**job);
  cancelled->count_down();

  EXPECT_THAT(listener_->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(observer_.heard().cancelled, ElementsAre(Pair(CancelStage::kDelivering, 1)));
}

TEST_F(UpscalerTest, ACallerThatGoesAwayWhileOthersAreTakenInIsCountedOnce) {
  for (int i = 0; i < 2; ++i) {
    costs_.NoteStep(kKey, /*rows=*/1, 1s);
    costs_.NoteStep(kKey, /*rows=*/2, 1s);
  }
  ASSERT_THAT(upscaler_.Start(Task(16, 16), listener_), IsOk());
  AwaitDepth(1);
  const auto leaving = std::make_shared<CollectingListener>();
  const auto job = upscaler_.Start(Task(16, 16), leaving);
  ASSERT_THAT(job, IsOk());
  AwaitDepth(2);
  script_.encode = 1s;
  script_.pass_time = [&](TimePoint::duration /*time*/) { upscaler_.Cancel(**job); };

  StartReplica();

  EXPECT_THAT(leaving->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(listener_->AwaitOutcome(), IsOk());
  EXPECT_EQ(script_.admitted(), 1U);
  EXPECT_THAT(observer_.heard().cancelled, ElementsAre(Pair(CancelStage::kQueued, 1)));
}

TEST_F(UpscalerTest, ACallerThatGoesAwayWhileAnotherEngineIsMadeIsCountedOnce) {
  script_.FailPass({.seed = 10, .step = 2}, absl::UnavailableError("the device was lost"));
  engines_.Hang();
  const auto job = upscaler_.Start(Task(16, 16), listener_);
  ASSERT_THAT(job, IsOk());
  StartReplica();
  engines_.AwaitAsked(1);

  upscaler_.Cancel(**job);

  EXPECT_THAT(listener_->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(observer_.heard().cancelled, ElementsAre(Pair(CancelStage::kRunning, 1)));
  engines_.Release();
}

TEST_F(UpscalerTest, PicturesThatAreGivenUpForAnothersErrorAreNotCountedAsCancelled) {
  script_.FailRow({.seed = 10, .step = 1}, absl::InternalError("not finite"));
  UpscaleTask task = Task(16, 16);
  task.image_count = 3;
  StartReplica();

  EXPECT_THAT(Run(std::move(task)), StatusIs(absl::StatusCode::kInternal));

  EXPECT_THAT(observer_.heard().cancelled, IsEmpty());
}

TEST_F(UpscalerTest, CountsWhatBecameOfEveryRequest) {
  script_.FailRow({.seed = 20, .step = 2}, absl::InternalError("not finite"));
  const auto cancelled = std::make_shared<CollectingListener>();
  const auto job = upscaler_.Start(Task(16, 16), cancelled);
  ASSERT_THAT(job, IsOk());
  cancelled->AwaitQueued();
  upscaler_.Cancel(**job);
  StartReplica();
  UpscaleTask failing = Task(16, 16);
  failing.seed = 20;
  const auto failed = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler_.Start(std::move(failing), failed), IsOk());
  EXPECT_THAT(failed->AwaitOutcome(), StatusIs(absl::StatusCode::kInternal));

  ASSERT_THAT(Run(Task(16, 16)), IsOk());

  const JobTally::Counts counts = upscaler_.tally().counts();
  EXPECT_EQ(counts.admitted, 3U);
  EXPECT_EQ(counts.done, 1U);
  EXPECT_EQ(counts.failed, 1U);
  EXPECT_EQ(counts.cancelled, 1U);
  EXPECT_EQ(counts.in_flight(), 0U);
}

}  // namespace
}  // namespace upscaler
