// What goes wrong at one tile of a picture, and whom it concerns.

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/worker/scheduler/step_loop_fixture.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler {
namespace {

using test::EngineScript;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::Values;

constexpr int kSteps = 2;
constexpr int kTiles = 3;

// Rows 1 to 3 are done in tiles, 4 is not.
constexpr std::uint64_t kAtFault = 2;

class StepLoopTileFaultsTest : public test::StepLoopFixture {
 protected:
  static constexpr int kWidth = kTiles * kTileSide;

  StepLoopTileFaultsTest() : StepLoopFixture(/*gaining=*/kMaxBatch) {
    script_.before_part = [this](const EngineScript::RowPart& part) {
      parts_encoded_.emplace_back(part.seed, part.part);
    };
  }

  void PushRows() {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      Push({{.seed = seed, .width = kWidth, .tile_side = kTileSide, .steps = kSteps}});
    }
    Push({{.seed = 4, .steps = kSteps}});
  }

  void ExpectOthersDone() {
    ExpectDoneInTiles(1, kWidth);
    ExpectDoneInTiles(3, kWidth);
    ExpectDone(4);
    ExpectNothingLeft();
  }

  void ExpectTooLarge(std::uint64_t seed) {
    ExpectFailed(seed, absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(ReasonOf(maker_.answers()[seed].front()), Optional(Eq("OUT_OF_MEMORY")));
  }

  std::vector<std::pair<std::uint64_t, int>> parts_encoded_;  // Seeds and parts.
};

// A fault at one tile of one step.
class StepLoopOneTileFaultTest : public StepLoopTileFaultsTest,
                                 public ::testing::WithParamInterface<std::tuple<int, int>> {
 protected:
  const EngineScript::RowStep at_{
      .seed = kAtFault, .step = std::get<0>(GetParam()), .tile = std::get<1>(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(StepsAndTiles, StepLoopOneTileFaultTest,
                         ::testing::Combine(Values(1, kSteps), Values(1, 2, kTiles)));

TEST_P(StepLoopOneTileFaultTest, NumbersThatAreNotFiniteFailTheirRowAlone) {
  PushRows();
  script_.FailRow(at_, absl::InternalError("not finite"));

  Drain();

  ExpectFailed(kAtFault, absl::StatusCode::kInternal);
  ExpectOthersDone();
}

TEST_P(StepLoopOneTileFaultTest, AnExceptionFailsTheRowAtFaultAlone) {
  PushRows();
  script_.FailPass(at_, absl::InternalError("index out of range"));

  Drain();

  ExpectFailed(kAtFault, absl::StatusCode::kInternal);
  ExpectOthersDone();
}

TEST_P(StepLoopOneTileFaultTest, WantOfMemoryForATileFailsItsRowAlone) {
  PushRows();
  script_.FailPass(at_, absl::ResourceExhaustedError("out of memory"));

  Drain();

  ExpectTooLarge(kAtFault);
  ExpectOthersDone();
}

TEST_P(StepLoopOneTileFaultTest, AnEngineThatBreaksOnceCostsNobodyTheirResult) {
  PushRows();
  script_.FailPass(at_, absl::UnavailableError("the device was lost"), /*times=*/1);

  Drain();

  ExpectDoneInTiles(kAtFault, kWidth);
  ExpectOthersDone();
}

// A fault at one part of an encoding.
class StepLoopEncodingFaultTest : public StepLoopTileFaultsTest,
                                  public ::testing::WithParamInterface<int> {
 protected:
  const EngineScript::RowPart at_{.seed = kAtFault, .part = GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Parts, StepLoopEncodingFaultTest, Values(1, 2, kTiles));

TEST_P(StepLoopEncodingFaultTest, AnExceptionFailsTheRowAlone) {
  PushRows();
  script_.FailEncoding(at_, absl::InternalError("bad convolution"));

  Drain();

  ExpectFailed(kAtFault, absl::StatusCode::kInternal);
  ExpectOthersDone();
}

TEST_P(StepLoopEncodingFaultTest, WantOfMemoryFailsTheRowAlone) {
  PushRows();
  script_.FailEncoding(at_, absl::ResourceExhaustedError("out of memory"));

  Drain();

  ExpectTooLarge(kAtFault);
  EXPECT_THAT(observer_.heard().out_of_memory, ElementsAre("cpu"));
  ExpectOthersDone();
}

TEST_P(StepLoopEncodingFaultTest, AnEngineThatBreaksOnceCostsNobodyTheirResult) {
  PushRows();
  script_.FailEncoding(at_, absl::UnavailableError("the device was lost"), /*times=*/1);

  Drain();

  ExpectDoneInTiles(kAtFault, kWidth);
  ExpectOthersDone();
}

TEST_F(StepLoopTileFaultsTest, ARowThatBeginsAnewIsEncodedAnew) {
  script_.FailEncoding({.seed = 1, .part = 2}, absl::UnavailableError("the device was lost"), 1);
  Push({{.seed = 1, .width = kWidth, .tile_side = kTileSide}});

  Drain();

  EXPECT_THAT(parts_encoded_,
              ElementsAre(Pair(1, 1), Pair(1, 2), Pair(1, 1), Pair(1, 2), Pair(1, 3)));
  ExpectDoneInTiles(1, kWidth);
}

TEST_F(StepLoopTileFaultsTest, ARowThatBeginsAnewInTheMidstOfAStepBeginsWithTheFirst) {
  script_.encodes_in_parts = false;
  MakeLoop(Batching::kNone);
  Push({{.seed = 1, .width = kWidth, .tile_side = kTileSide, .steps = kSteps}});
  script_.FailPass({.seed = 1, .step = 2, .tile = 1}, absl::UnavailableError("the device was lost"),
                   /*times=*/1);

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 1),  // The first step,
                                            ElementsAre(1, 1, 1),               // in vain,
                                            ElementsAre(1), ElementsAre(1, 1),  // and anew.
                                            ElementsAre(1, 1, 1)));
  EXPECT_EQ(observer_.heard().wasted_steps, 1);
  ExpectDoneInTiles(1, kWidth);
}

TEST_F(StepLoopTileFaultsTest, ARowThatBreaksEnginesAsItIsEncodedIsNotTriedAThirdTime) {
  script_.FailEncoding({.seed = 1, .part = 2}, absl::UnavailableError("the device was lost"));
  Push({{.seed = 1, .width = kWidth, .tile_side = kTileSide}});

  Drain();

  ExpectFailed(1, absl::StatusCode::kUnavailable);
  ExpectNothingLeft();
}

TEST_F(StepLoopTileFaultsTest, HalvesTilesThatFindNoMemoryAndTakesNoneSoManyAgain) {
  script_.encodes_in_parts = false;
  script_.LimitRows(2);
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 1, 1, 1),  // Too many.
                                            ElementsAre(1, 1), ElementsAre(1, 1),     //
                                            ElementsAre(1, 1), ElementsAre(1, 1), ElementsAre(1)));
  EXPECT_EQ(costs_.BatchCap(kKey), 2U);
  ExpectDoneInTiles(1, Wide(5));
}

TEST_F(StepLoopTileFaultsTest, NoTileIsTakenAfterOneThatFailed) {
  script_.encodes_in_parts = false;
  script_.FailPass({.seed = 1, .step = 1, .tile = 3}, absl::InternalError("index out of range"));
  Push({{.seed = 1, .width = Wide(5), .tile_side = kTileSide}, {.seed = 2, .steps = 9}});

  Run(2);

  ExpectFailed(1, absl::StatusCode::kInternal);
  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1, 2),                  //
                                            ElementsAre(1, 1, 1, 1, 2),         // By halves:
                                            ElementsAre(1, 1), ElementsAre(1),  // Tile 2,
                                            ElementsAre(1),                     // tile 3,
                                            ElementsAre(2)));
  Drain();
  ExpectDone(2);
}

}  // namespace
}  // namespace upscaler
