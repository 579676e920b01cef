#include "worker/queue/row.h"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::RowMaker;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;

class RowTest : public ::testing::Test {
 protected:
  BatchKey KeyOf(const RowMaker::Wish& wish) { return BatchKeyOf(maker_.Make(wish).spec); }

  FakeClock clock_;
  RowMaker maker_{clock_};
};

TEST_F(RowTest, ItsKeyIsTheSizeAndWhetherItIsGuided) {
  EXPECT_EQ(KeyOf({.seed = 1, .prompt = "a cat", .width = 2, .steps = 1}),
            KeyOf({.seed = 2, .prompt = "a dog", .width = 2, .steps = 9}));
  EXPECT_EQ(KeyOf({.width = 2, .guidance_scale = 1}), KeyOf({.width = 2, .guidance_scale = 0}));
  EXPECT_EQ(KeyOf({.width = 2, .guidance_scale = 2}), KeyOf({.width = 2, .guidance_scale = 9}));
  EXPECT_NE(KeyOf({.width = 2, .guidance_scale = 1}), KeyOf({.width = 2, .guidance_scale = 1.5}));
  EXPECT_NE(KeyOf({.width = 2}), KeyOf({.width = 4}));
}

TEST_F(RowTest, ItsWorkIsLeftInEqualPartsThatAddUp) {
  const Row row = maker_.Make({.steps = 3, .work = 10ns});

  EXPECT_EQ(WorkLeft(row, {.steps_done = 0}), 10ns);
  EXPECT_EQ(WorkLeft(row, {.steps_done = 1}), 6ns);
  EXPECT_EQ(WorkLeft(row, {.steps_done = 2}), 3ns);
  EXPECT_EQ(WorkLeft(row, {.steps_done = 3}), 0ns);
}

TEST_F(RowTest, ItsWorkIsLeftInEqualPartsForEachTileOfItsSteps) {
  const Row row = maker_.Make({.steps = 2, .work = 12ns, .decoding = 6ns});

  EXPECT_EQ(WorkLeft(row, {.tiles = 3}), 12ns);
  EXPECT_EQ(WorkLeft(row, {.tiles = 3, .tiles_done = 2}), 8ns);
  EXPECT_EQ(WorkLeft(row, {.steps_done = 1, .tiles = 3, .tiles_done = 1}), 4ns);
  EXPECT_EQ(TimeLeft(row, {.steps_done = 1, .tiles = 3, .tiles_done = 1}), 8ns);
}

TEST_F(RowTest, ItsWorkMayBeMoreThanItsPassesInNanosecondsWouldHold) {
  const Row row = maker_.Make({.steps = 100, .work = 300h});

  EXPECT_EQ(WorkLeft(row, {.steps_done = 50, .tiles = 10'000}), 150h);
}

TEST_F(RowTest, ItsDecodingIsLeftUntilItsLastStepIsDone) {
  const Row row = maker_.Make({.steps = 4, .work = 10s, .decoding = 2s});

  EXPECT_EQ(TimeLeft(row, {.steps_done = 0}), 10s);
  EXPECT_EQ(TimeLeft(row, {.steps_done = 3}), 4s);
  EXPECT_EQ(TimeLeft(row, {.steps_done = 4}), 2s);
}

TEST_F(RowTest, SomebodyWaitsForItUntilItsDeadline) {
  const Row row = maker_.Make({.time_left = 2s});
  const TimePoint deadline = clock_.Now() + 2s;

  EXPECT_THAT(DepartureOf(row, deadline - 1ns), Eq(std::nullopt));
  EXPECT_THAT(DepartureOf(row, deadline), Optional(StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST_F(RowTest, NobodyWaitsForItOnceItIsCancelled) {
  const Row row = maker_.Make({.seed = 1});

  maker_.Cancel(1);

  EXPECT_THAT(DepartureOf(row, clock_.Now()), Optional(StatusIs(absl::StatusCode::kCancelled)));
}

TEST_F(RowTest, ItIsAnsweredAllTheSameWhenItIsForgotten) {
  { const Row forgotten = maker_.Make({.seed = 1}); }

  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kInternal)));
}

TEST_F(RowTest, ItsAnswerGoesWhereTheRowGoes) {
  {
    Row row = maker_.Make({.seed = 1});
    Row moved = std::move(row);
    EXPECT_THAT(maker_.answers(), ::testing::IsEmpty());
    std::move(moved.reply).Send(RowResult{});
  }

  EXPECT_THAT(maker_.answers()[1], ElementsAre(test::IsOk()));
}

TEST_F(RowTest, PreviewsAreSpreadOverTheStepsAndNoneComesAtTheEnd) {
  const auto due = [](int steps, int previews) {
    std::vector<int> at;
    const RowSpec spec{.picture = nullptr, .steps = steps, .preview_count = previews};
    for (int step = 1; step <= steps; ++step) {
      if (WantsPreview(spec, step)) at.push_back(step);
    }
    return at;
  };

  EXPECT_THAT(due(9, 2), ElementsAre(3, 6));
  EXPECT_THAT(due(10, 1), ElementsAre(5));
  EXPECT_THAT(due(25, 3), ElementsAre(7, 13, 19));
  EXPECT_THAT(due(3, 10), ElementsAre(1, 2));  // At most one a step.
  EXPECT_THAT(due(1, 10), IsEmpty());
  EXPECT_THAT(due(9, 0), IsEmpty());
}

TEST_F(RowTest, LatentsHaveTheKeyOfTheirPicture) {
  const RowSpec latents{.picture = nullptr,
                        .latents = std::make_shared<const Latents>(Latents{
                            .channels = 4, .height = 2, .width = 3, .reduction = 8, .values = {}})};

  EXPECT_EQ(BatchKeyOf(latents), (BatchKey{.width = 24, .height = 16, .guided = false}));
}

TEST_F(RowTest, ARowThatIsDoneInTilesHasTheKeyOfOne) {
  EXPECT_EQ(KeyOf({.width = 8, .height = 6, .tile_side = 4}), KeyOf({.width = 4, .height = 4}));
  EXPECT_EQ(KeyOf({.width = 8, .height = 2, .tile_side = 4}), KeyOf({.width = 4, .height = 2}));
  EXPECT_EQ(KeyOf({.width = 3, .height = 2, .tile_side = 4}), KeyOf({.width = 3, .height = 2}));
}

TEST_F(RowTest, ARowGivenUpForTheServersSakeSaysSo) {
  Row row = maker_.Make({.seed = 1});
  CancelToken token;
  token.Cancel(CancelCause::kShutdown);
  token.Cancel(CancelCause::kCaller);  // Too late to be the cause.
  row.cancel = std::make_shared<CancelToken>();
  EXPECT_EQ(DepartureOf(row, clock_.Now()), std::nullopt);
  EXPECT_THAT(token.status(), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace upscaler
