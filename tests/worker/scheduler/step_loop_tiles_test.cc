// Rows whose pictures are done in tiles, among themselves and among others.

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/scheduler/step_loop_fixture.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CountingObserver;
using test::EngineScript;
using test::RowMaker;
using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StepLoopTilesTest : public test::StepLoopFixture {
 protected:
  StepLoopTilesTest() {
    script_.before_step = [this](const EngineScript::Seeds& seeds) {
      calls_.push_back(fmt::format("step {}", fmt::join(seeds, " ")));
    };
    script_.before_part = [this](const EngineScript::RowPart& part) {
      calls_.push_back(fmt::format("part {} of {}", part.part, part.seed));
    };
  }

  // What a row was told: steps done, whether it is being encoded, the share.
  std::vector<std::tuple<int, bool, double>> Told(std::uint64_t seed) const {
    std::vector<std::tuple<int, bool, double>> told;
    for (const RowAdvance& advance : maker_.advances(seed)) {
      told.emplace_back(advance.steps_done, advance.encoding, advance.share);
    }
    return told;
  }

  std::vector<std::string> calls_;
};

// Those whose encoding is not what it is about.
class StepLoopEncodedTilesTest : public StepLoopTilesTest {
 protected:
  StepLoopEncodedTilesTest() { script_.encodes_in_parts = false; }
};

TEST_F(StepLoopEncodedTilesTest, EachStepTakesAPassForEachTile) {
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(), SizeIs(6));
  EXPECT_THAT(script_.passes(), Each(ElementsAre(1)));
  EXPECT_THAT(maker_.progress(1), ElementsAre(0, 0, 0, 1, 1, 1, 2));
  ExpectDoneInTiles(1, Wide(3));
  ExpectNothingLeft();
}

TEST_F(StepLoopEncodedTilesTest, TilesOfOneStepShareAPass) {
  GainUpTo(kMaxBatch);
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 1),  // It has begun.
                                            ElementsAre(1, 1, 1)));
  ExpectDoneInTiles(1, Wide(3));
}

TEST_F(StepLoopEncodedTilesTest, TilesOfSeveralRowsAndWholeRowsShareAPass) {
  GainUpTo(kMaxBatch);
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide},
        {.seed = 2, .width = Wide(2), .tile_side = kTileSide},
        {.seed = 3, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(2, 3, 1), ElementsAre(2, 3, 1, 1)));
  ExpectDoneInTiles(1, Wide(3));
  ExpectDoneInTiles(2, Wide(2));
  ExpectDone(3);
}

TEST_F(StepLoopEncodedTilesTest, NoMoreTilesShareAPassThanGain) {
  GainUpTo(2);
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 1), ElementsAre(1, 1)));
}

TEST_F(StepLoopEncodedTilesTest, NoPassIsOverTilesOfTwoSteps) {
  GainUpTo(2);
  Push({{.seed = 1, .width = Wide(4), .tile_side = kTileSide, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 1), ElementsAre(1),  //
                                            ElementsAre(1, 1), ElementsAre(1, 1)));
}

TEST_F(StepLoopEncodedTilesTest, TilesOfARowShareAPassWhereNoRowsDo) {
  GainUpTo(kMaxBatch);
  MakeLoop(Batching::kNone);
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide}, {.seed = 2, .steps = 9}});
  Run(2);

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 1)));
  Drain();
}

TEST_F(StepLoopEncodedTilesTest, AShortRowDoesNotWaitForTheStepOfALargePicture) {
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide, .steps = 2}});
  Run(2);
  Push({{.seed = 2}});

  Drain();

  EXPECT_THAT(script_.passes(),
              ElementsAre(ElementsAre(1), ElementsAre(1), ElementsAre(2), ElementsAre(1),
                          ElementsAre(1), ElementsAre(1), ElementsAre(1)));
  ExpectDoneInTiles(1, Wide(3));
}

TEST_F(StepLoopEncodedTilesTest, ItsWorkIsCountedByThePass) {
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide, .steps = 2}});

  Run(2);

  EXPECT_EQ(queue_.work_ahead(), 4 * kStep);
  EXPECT_THAT(queue_.virtual_time(), DoubleEq(2));
  Drain();
}

TEST_F(StepLoopEncodedTilesTest, TellsHowMuchOfAStepIsDone) {
  Push({{.seed = 1, .width = Wide(4), .tile_side = kTileSide, .steps = 2}});

  Drain();

  EXPECT_THAT(
      Told(1),
      ElementsAre(std::tuple(0, true, 0), std::tuple(0, false, 0.25), std::tuple(0, false, 0.5),
                  std::tuple(0, false, 0.75), std::tuple(1, false, 0), std::tuple(1, false, 0.25),
                  std::tuple(1, false, 0.5), std::tuple(1, false, 0.75), std::tuple(2, false, 0)));
}

TEST_F(StepLoopEncodedTilesTest, APreviewComesAfterAWholeStepAlone) {
  std::vector<int> previews;
  Row row = maker_.Make({.seed = 1, .width = Wide(2), .tile_side = kTileSide, .steps = 3});
  row.spec.preview_count = 2;
  row.preview = [&](int steps_done, const Image& /*image*/) { previews.push_back(steps_done); };
  std::vector<Row> rows;
  rows.push_back(std::move(row));
  queue_.Push(std::move(rows));

  Drain();

  EXPECT_THAT(previews, ElementsAre(1, 2));
}

TEST_F(StepLoopEncodedTilesTest, ARowThatIsCancelledLeavesInTheMidstOfItsStep) {
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide, .steps = 9}});
  Run(2);
  Push({{.seed = 2, .steps = 2}});

  maker_.Cancel(1);
  Run(1);

  ExpectFailed(1, absl::StatusCode::kCancelled);
  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1), ElementsAre(2)));
  EXPECT_EQ(script_.rows_inside(), 1U);
  EXPECT_EQ(queue_.work_ahead(), kStep);
  Drain();
  ExpectNothingLeft();
}

TEST_F(StepLoopEncodedTilesTest, APictureOfOneTileIsDoneAsAWhole) {
  Push({{.seed = 1, .tile_side = 2 * kTileSide, .steps = 2}});

  Drain();

  EXPECT_THAT(Told(1), ElementsAre(std::tuple(0, true, 0), std::tuple(1, false, 0),
                                   std::tuple(2, false, 0)));
  ExpectDone(1);
}

TEST_F(StepLoopTilesTest, APartIsEncodedBetweenTheStepsOfOthers) {
  Push({{.seed = 1, .width = Wide(3), .tile_side = kTileSide}, {.seed = 2, .steps = 4}});

  Drain();

  EXPECT_THAT(calls_, ElementsAre("part 1 of 1", "step 2", "part 2 of 1", "step 2",  //
                                  "part 3 of 1", "step 1", "step 1", "step 1",       //
                                  "step 2", "step 2"));
  ExpectDoneInTiles(1, Wide(3));
  ExpectDone(2);
}

TEST_F(StepLoopTilesTest, OnePictureIsEncodedAfterTheOther) {
  GainUpTo(2);
  Push({{.seed = 1, .width = Wide(2), .tile_side = kTileSide},
        {.seed = 2, .width = Wide(2), .tile_side = kTileSide}});

  Drain();

  EXPECT_THAT(calls_, ElementsAre("part 1 of 1", "part 2 of 1", "step 1 1",  //
                                  "part 1 of 2", "part 2 of 2", "step 2 2"));
  ExpectDoneInTiles(1, Wide(2));
  ExpectDoneInTiles(2, Wide(2));
}

TEST_F(StepLoopTilesTest, TellsHowMuchOfAPictureIsEncoded) {
  Push({{.seed = 1, .width = Wide(4), .tile_side = kTileSide}});

  Drain();

  const auto told = Told(1);
  EXPECT_THAT(
      std::vector(told.begin(), told.begin() + 5),
      ElementsAre(std::tuple(0, true, 0), std::tuple(0, true, 0.25), std::tuple(0, true, 0.5),
                  std::tuple(0, true, 0.75), std::tuple(0, false, 0)));
}

TEST_F(StepLoopTilesTest, ARowThatIsCancelledWhileItIsEncodedLeavesAfterThePart) {
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide}, {.seed = 2, .steps = 9}});
  Run(2);

  script_.before_part = [this](const EngineScript::RowPart& part) {
    calls_.push_back(fmt::format("part {} of {}", part.part, part.seed));
    maker_.Cancel(1);
  };
  Run(1);

  ExpectFailed(1, absl::StatusCode::kCancelled);
  EXPECT_THAT(calls_, ElementsAre("part 1 of 1", "step 2", "part 2 of 1", "step 2"));
  Drain();
  ExpectDone(2);
  ExpectNothingLeft();
}

TEST_F(StepLoopTilesTest, ARowWhoseDeadlinePassesWhileItIsEncodedLeavesAfterThePart) {
  script_.encode = 2s;
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide, .time_left = 3s}});

  Drain();

  ExpectFailed(1, absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(calls_, ElementsAre("part 1 of 1", "part 2 of 1"));
  ExpectNothingLeft();
}

TEST_F(StepLoopTilesTest, ALoopThatEndsAnswersTheRowThatItEncodes) {
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide}});
  Run(2);

  loop_ = nullptr;

  ExpectFailed(1, absl::StatusCode::kUnavailable);
  ExpectNothingLeft();
}

TEST_F(StepLoopTilesTest, MeasuresTilesLikeRows) {
  script_.encode = 3s;
  script_.decode = 4s;
  Push({{.seed = 1, .width = Wide(4), .tile_side = kTileSide, .steps = 2}});

  Drain();
  ExpectDoneInTiles(1, Wide(4));

  EXPECT_EQ(costs_.EncodeTime(kKey), 3s);
  EXPECT_EQ(costs_.StepTime(kKey, 1), kStep);
  EXPECT_EQ(costs_.DecodeTime(kKey), 4s);
}

TEST_F(StepLoopTilesTest, AnswersWithWhereTheTimeWent) {
  script_.encode = 3s;
  script_.decode = 4s;
  Push({{.seed = 1, .width = Wide(4), .tile_side = kTileSide, .steps = 2}});
  clock_.Advance(7s);

  Drain();

  const RowTimings timings = maker_.result(1)->timings;
  EXPECT_EQ(timings.queue, 7s);
  EXPECT_EQ(timings.encode, 4 * 3s);
  EXPECT_EQ(timings.denoise, 8 * kStep);
  EXPECT_EQ(timings.decode, 0s);  // That comes later.
  CountingObserver::Heard heard = observer_.heard();
  EXPECT_THAT(heard.queue_waits, ElementsAre(7s));
  EXPECT_THAT(heard.stages[Stage::kVaeEncode], ElementsAre(12s));
  EXPECT_THAT(heard.stages[Stage::kDenoise], ElementsAre(8s));
  EXPECT_THAT(heard.stages[Stage::kVaeDecode], IsEmpty());
}

}  // namespace
}  // namespace upscaler
