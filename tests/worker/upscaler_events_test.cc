// What a request hears on its way and brings home: its place, previews, latents, estimates.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "tests/support/delay_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/upscaler_fixture.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/image.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CollectingListener;
using test::DelayEngine;
using test::EngineScript;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;

class UpscalerEventsTest : public test::UpscalerFixture {};

TEST_F(UpscalerEventsTest, TellsAWaitingRequestWhenItsPlaceChangesAndOnlyThen) {
  MeasureStep(1s);
  const auto first = std::make_shared<CollectingListener>();
  const auto job = upscaler_.Start(Task(16, 16, TimePoint::max()), first);
  ASSERT_THAT(job, IsOk());
  AwaitDepth(1);
  UpscaleTask longer = Task(16, 16, TimePoint::max());
  longer.steps = 5;
  ASSERT_THAT(upscaler_.Start(std::move(longer), listener_), IsOk());
  AwaitDepth(2);
  EXPECT_EQ(listener_->AwaitQueued(), 1U);

  queue_.TellPlaces();
  upscaler_.Cancel(**job);
  queue_.TellPlaces();
  queue_.TellPlaces();

  const std::vector<QueuePlace> places = listener_->AwaitPlaces(2);
  ASSERT_THAT(places, SizeIs(2));
  EXPECT_EQ(places[0].rows_ahead, 1U);
  EXPECT_THAT(places[0].until_done, Optional(8s));  // Three steps of the other, five of its own.
  EXPECT_EQ(places[1].rows_ahead, 0U);
  EXPECT_THAT(places[1].until_done, Optional(5s));
  EXPECT_THAT(first->AwaitOutcome(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(UpscalerEventsTest, NoPlaceIsToldOfARequestThatHasBegunOrEnded) {
  script_.before_step = [this](const EngineScript::Seeds& /*seeds*/) { queue_.TellPlaces(); };
  StartReplica();

  EXPECT_THAT(Run(Task(16, 16)), IsOk());
  queue_.TellPlaces();

  EXPECT_THAT(listener_->AwaitPlaces(1), SizeIs(1));
}

TEST_F(UpscalerEventsTest, TakesLatentsAndReturnsLatentsOfExactlyTwiceTheSides) {
  script_.latents = {.channels = 2, .reduction = 8};
  Upscaler upscaler({.rules = {.sides = kSides, .latents = script_.latents}}, admission_, parts_,
                    {pool_, pool_});
  StartReplica();
  UpscaleTask task = Task(16, 16);
  // [2, 1, 3]: its picture of 24×8 is padded to 24×16.
  const Latents given{
      .channels = 2, .height = 1, .width = 3, .reduction = 8, .values = {1, 2, 3, 4, 5, 6}};
  task.input = SerializeLatents(given);
  task.latents = {.height = 1, .width = 3};
  task.output_type = OutputType::kLatents;

  ASSERT_THAT(upscaler.Start(std::move(task), listener_), IsOk());
  const absl::StatusOr<UpscaleOutcome> outcome = listener_->AwaitOutcome();

  ASSERT_THAT(outcome, IsOk());
  const UpscaledPicture& picture = outcome->pictures.front();
  EXPECT_EQ(picture.size, (PictureSize{.width = 48, .height = 16}));
  EXPECT_THAT(picture.latents, Optional(LatentsForm{.height = 2, .width = 6}));
  EXPECT_EQ(picture.encoded, SerializeLatents(DelayEngine::Doubled(given)));
  EXPECT_EQ(picture.crc32, Crc32(picture.encoded));
  EXPECT_EQ(listener_->input(), (PictureSize{.width = 24, .height = 8}));
}

TEST_F(UpscalerEventsTest, RefusesLatentsThatAreTooLargeOrOfAnotherNumberOfBytes) {
  StartReplica();
  UpscaleTask wrong = Task(16, 16);
  wrong.latents = {.height = 2, .width = 2};
  EXPECT_THAT(FieldOf(Run(std::move(wrong)).status()), Optional(std::string("latents.data")));
  UpscaleTask large = Task(16, 16);
  large.latents = {.height = 16'000, .width = 16'000};
  const auto other = std::make_shared<CollectingListener>();
  ASSERT_THAT(upscaler_.Start(std::move(large), other), IsOk());

  const absl::Status status = other->AwaitOutcome().status();

  EXPECT_THAT(FieldOf(status), Optional(std::string("latents")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 10000"));
  EXPECT_THAT(script_.passes(), IsEmpty());
}

TEST_F(UpscalerEventsTest, SendsAsManyPreviewsAsAskedAndAllBeforeTheEnd) {
  StartReplica();
  UpscaleTask task = Task(16, 16);
  task.steps = 9;
  task.image_count = 2;
  task.preview_count = 2;

  ASSERT_THAT(Run(std::move(task)), IsOk());

  std::map<int, std::vector<int>> seen;  // The steps, by image.
  for (const JobPreview& preview : listener_->previews()) {
    EXPECT_EQ(preview.number, static_cast<int>(seen[preview.image].size()));
    seen[preview.image].push_back(preview.steps_done);
    EXPECT_EQ(preview.total_steps, 9);
    EXPECT_EQ(preview.size, (PictureSize{.width = 4, .height = 4}));
    const absl::StatusOr<Image> image = DecodeImage(preview.encoded, {});
    ASSERT_THAT(image, IsOk());
    EXPECT_EQ(image->width, 4);
  }
  EXPECT_THAT(seen, ElementsAre(Pair(0, ElementsAre(3, 6)), Pair(1, ElementsAre(3, 6))));
}

TEST_F(UpscalerEventsTest, AnAnswerKeepsItsRoomUntilItIsDelivered) {
  StartReplica();
  absl::StatusOr<UpscaleOutcome> outcome = Run(Task(16, 16));
  ASSERT_THAT(outcome, IsOk());
  upscaler_.AwaitIdle(TimePoint::max());
  EXPECT_EQ(admission_.rows(), 0U);
  EXPECT_EQ(admission_.bytes(), static_cast<std::int64_t>(outcome->pictures[0].encoded.size()));

  outcome->room.reset();

  EXPECT_EQ(admission_.bytes(), 0);
}

TEST_F(UpscalerEventsTest, EstimatesWhatItKnowsAndSaysNothingOfTheRest) {
  UpscaleTask task = Task(16, 16);
  task.image_count = 2;
  const PictureHeader size = {.width = 16, .height = 16};
  const absl::StatusOr<UpscaleEstimate> unknown = upscaler_.Estimate(task, size);
  ASSERT_THAT(unknown, IsOk());
  EXPECT_EQ(unknown->output, (PictureSize{.width = 32, .height = 32}));
  EXPECT_EQ(unknown->device_bytes, 16 * 16);
  EXPECT_GT(unknown->host_bytes, 2 * 32 * 32 * 3);
  EXPECT_EQ(unknown->work, std::nullopt);
  EXPECT_EQ(unknown->until_done, std::nullopt);

  MeasureStep(1s);

  const absl::StatusOr<UpscaleEstimate> known = upscaler_.Estimate(task, size);
  ASSERT_THAT(known, IsOk());
  EXPECT_THAT(known->work, Optional(6s));
  EXPECT_THAT(known->until_done, Optional(6s));
}

TEST_F(UpscalerEventsTest, EstimatesNothingThatItWouldRefuse) {
  const UpscaleTask task = Task(16, 16);
  EXPECT_THAT(upscaler_.Estimate(task, {.width = 101, .height = 100}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  UpscaleTask whole = task;
  whole.tile_size = 96;
  EXPECT_THAT(upscaler_.Estimate(whole, {.width = 96, .height = 96}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  UpscaleTask many = task;
  many.image_count = static_cast<int>(kCapacity) + 1;
  EXPECT_THAT(FieldOf(upscaler_.Estimate(many, {.width = 16, .height = 16}).status()),
              Optional(std::string("image_count")));
}

}  // namespace
}  // namespace upscaler
