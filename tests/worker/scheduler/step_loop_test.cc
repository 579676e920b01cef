#include "worker/scheduler/step_loop.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/delay_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/scheduler/step_loop_fixture.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CountingObserver;
using test::DelayEngine;
using test::IsOk;
using test::RowMaker;
using test::StatusIs;
using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class StepLoopTest : public test::StepLoopFixture {};

TEST_F(StepLoopTest, AnswersARowWithTwiceItsPictureAndWhereItsTimeWent) {
  script_.encode = 3s;
  script_.decode = 4s;
  Push({{.seed = 1, .steps = 2}});
  clock_.Advance(7s);

  Drain();

  ExpectDone(1);
  EXPECT_THAT(maker_.progress(1), ElementsAre(0, 1, 2));
  const RowTimings timings = maker_.result(1)->timings;
  EXPECT_EQ(timings.queue, 7s);
  EXPECT_EQ(timings.encode, 3s);
  EXPECT_EQ(timings.denoise, 2s);
  EXPECT_EQ(timings.decode, 4s);
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, TimesNoCallBeforeItsTurn) {
  script_.encode = 3s;
  caller_ = [this](EngineCall call) {
    clock_.Advance(5s);
    EXPECT_EQ(pulses_.state(), PulseState::kFine);
    call();
  };
  Push({{.seed = 1, .steps = 2}});

  Drain();

  ExpectDone(1);
  const RowTimings timings = maker_.result(1)->timings;
  EXPECT_EQ(timings.queue, 5s);
  EXPECT_EQ(timings.encode, 3s);
  EXPECT_EQ(costs_.EncodeTime(kKey), 3s);
  EXPECT_EQ(costs_.StepTime(kKey, /*rows=*/1), kStep);
}

TEST_F(StepLoopTest, LetsRowsJoinAndLeaveBetweenSteps) {
  GainUpTo(2);
  Push({{.seed = 1, .steps = 3}, {.seed = 2, .steps = 1}});
  Run(1);
  Push({{.seed = 3, .steps = 1}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(2, 1), ElementsAre(1, 3), ElementsAre(1)));
  for (const std::uint64_t seed : {1U, 2U, 3U}) ExpectDone(seed);
}

TEST_F(StepLoopTest, StepsAsManyRowsTogetherAsGain) {
  GainUpTo(2);
  Push({{.seed = 1}, {.seed = 2}, {.seed = 3}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
}

TEST_F(StepLoopTest, StepsOneRowAtATimeWhereMoreGainNothing) {
  Push({{.seed = 1, .steps = 2}, {.seed = 2, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(),
              ElementsAre(ElementsAre(1), ElementsAre(1), ElementsAre(2), ElementsAre(2)));
}

TEST_F(StepLoopTest, FindsOutByItselfHowManyRowsGain) {
  script_.step = [](std::size_t /*rows*/) { return kStep; };
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    std::vector<Row> rows;
    rows.push_back(maker_.Make({.seed = seed, .width = 64, .steps = 20}));  // Never measured.
    queue_.Push(std::move(rows));
  }

  Drain();

  std::vector<std::size_t> sizes;
  for (const auto& pass : script_.passes()) {
    if (sizes.empty() || sizes.back() != pass.size()) sizes.push_back(pass.size());
  }
  EXPECT_THAT(std::vector(sizes.begin(), sizes.begin() + 4), ElementsAre(1, 2, 4, 8));
}

TEST_F(StepLoopTest, PassesALongRowOverForAShortOneAndTakesItUpAgain) {
  Push({{.seed = 1, .steps = 6}});
  Run(2);
  Push({{.seed = 2, .steps = 2}});

  Drain();

  EXPECT_THAT(script_.passes(),
              ElementsAre(ElementsAre(1), ElementsAre(1), ElementsAre(2), ElementsAre(2),
                          ElementsAre(1), ElementsAre(1), ElementsAre(1), ElementsAre(1)));
  EXPECT_THAT(maker_.progress(1), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  ExpectDone(1);
  ExpectDone(2);
}

TEST_F(StepLoopTest, DoesNotPassALongRowOverForEver) {
  Push({{.seed = 1, .steps = 5}});
  std::uint64_t seed = 2;
  for (; maker_.progress(1).size() < 6 && seed < 200; ++seed) {
    Push({{.seed = seed}});  // As much as the loop can do.
    Run(1);
  }

  // It has had its share by its fair finish, 5 s of virtual time, and at most a step later.
  EXPECT_THAT(queue_.virtual_time(), ::testing::Le(6));
  Drain();
  ExpectDone(1);
}

TEST_F(StepLoopTest, KeysTakeTurnsInTheOrderOfTheirFairFinishes) {
  GainUpTo(8);
  Push({{.seed = 1, .width = 2, .steps = 3},
        {.seed = 2, .width = 4, .steps = 2},
        {.seed = 3, .width = 2, .steps = 4}});

  Drain();

  std::vector<std::uint64_t> first;
  for (const auto& pass : script_.passes()) first.push_back(pass.front());
  EXPECT_THAT(first, ElementsAre(2, 2, 1, 1, 1, 3));
}

TEST_F(StepLoopTest, DecodingIsHandedOffSoThatNoStepWaitsForIt) {
  script_.decode = 1min;
  Push({{.seed = 1}, {.seed = 2}});
  const TimePoint start = clock_.Now();

  Run(2);

  EXPECT_EQ(clock_.Now() - start, 2 * kStep);
  EXPECT_EQ(maker_.answered(), 0U);
  EXPECT_THAT(decodings_, SizeIs(2));
  EXPECT_EQ(script_.rows_inside(), 0U);
  Decode();
  ExpectDone(1);
  ExpectDone(2);
}

TEST_F(StepLoopTest, ADecodingOutlivesTheLoopAndItsEngine) {
  Push({{.seed = 1}});
  Run(1);

  loop_ = nullptr;
  Decode();

  ExpectDone(1);
}

TEST_F(StepLoopTest, ARowThatIsCancelledWhileItWaitsNeverReachesTheEngine) {
  Push({{.seed = 1}, {.seed = 2}});

  maker_.Cancel(1);
  Drain();

  ExpectFailed(1, absl::StatusCode::kCancelled);
  ExpectDone(2);
  EXPECT_EQ(script_.admitted(), 1U);
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, ARowThatIsCancelledWhileItRunsLeavesAtTheNextStep) {
  GainUpTo(2);
  Push({{.seed = 1, .steps = 9}, {.seed = 2, .steps = 9}});
  Run(2);

  maker_.Cancel(1);
  Run(1);

  ExpectFailed(1, absl::StatusCode::kCancelled);
  EXPECT_EQ(script_.rows_inside(), 1U);
  EXPECT_EQ(queue_.work_ahead(), 6 * kStep);
  EXPECT_EQ(observer_.heard().wasted_steps, 2);
  Drain();
  ExpectDone(2);
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, ARowThatIsCancelledWhileItIsPassedOverLeavesToo) {
  Push({{.seed = 1, .steps = 9}});
  Run(2);
  Push({{.seed = 2, .steps = 3}});
  Run(1);

  maker_.Cancel(1);
  Run(1);

  ExpectFailed(1, absl::StatusCode::kCancelled);
  EXPECT_EQ(script_.rows_inside(), 1U);
  Drain();
  ExpectDone(2);
}

TEST_F(StepLoopTest, ARowThatIsCancelledBeforeItIsDecodedIsNotDecoded) {
  script_.decode = 1min;
  Push({{.seed = 1}});
  Run(1);
  const TimePoint start = clock_.Now();

  maker_.Cancel(1);
  Decode();

  ExpectFailed(1, absl::StatusCode::kCancelled);
  EXPECT_EQ(clock_.Now(), start);
  EXPECT_EQ(observer_.heard().wasted_steps, 1);
}

TEST_F(StepLoopTest, ARowWhoseDeadlinePassesBeforeItsTurnIsNotTakenIn) {
  caller_ = [this](EngineCall call) {
    clock_.Advance(5s);
    call();
  };
  Push({{.seed = 1, .time_left = 5s}});

  Drain();

  ExpectFailed(1, absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(script_.admitted(), 0U);
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, ARowPastItsDeadlineIsDroppedWhereverItIs) {
  script_.decode = 1min;
  Push({{.seed = 1, .steps = 1, .time_left = 5s},     // Will wait to be decoded.
        {.seed = 2, .steps = 9, .time_left = 5s},     // Will be running.
        {.seed = 3, .steps = 10, .time_left = 5s}});  // Will be waiting.
  Run(3);

  clock_.Advance(2s);
  Drain();

  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    ExpectFailed(seed, absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(script_.admitted(), 2U);
  EXPECT_EQ(clock_.Now() - TimePoint(), 5s);  // Nothing was done after that.
  EXPECT_THAT(observer_.heard().cancelled, IsEmpty());
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, ARowWhoseDeadlinePassesWhileOthersAreTakenInNeverReachesTheEngine) {
  GainUpTo(2);
  script_.encode = 3s;
  Push({{.seed = 1}, {.seed = 2, .time_left = 3s}});

  Drain();

  ExpectDone(1);
  ExpectFailed(2, absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(script_.admitted(), 1U);
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, ARowThatCanMeetItsDeadlineDoesThoughOthersWait) {
  Push({{.seed = 1, .steps = 4, .decoding = 2s, .time_left = 14s}});
  for (std::uint64_t seed = 2; seed <= 20; ++seed) Push({{.seed = seed}});
  const TimePoint start = clock_.Now();

  while (maker_.progress(1).size() < 5) Run(1);

  EXPECT_THAT(clock_.Now() - start, ::testing::Le(12s));  // So that it can be decoded, too.
  EXPECT_THAT(script_.passes().front(), ElementsAre(2));  // It let some go before it.
  Drain();
}

TEST_F(StepLoopTest, PassesTheEnginesWarningsOn) {
  Push({{.seed = 1, .prompt = DelayEngine::kTooLongPrompt}});

  Drain();

  EXPECT_THAT(maker_.result(1)->warnings, ElementsAre("the prompt was cut"));
}

TEST_F(StepLoopTest, RunsOnUntilTheQueueIsClosedAndNothingIsLeft) {
  Push({{.seed = 1, .steps = 2}});
  queue_.Close();

  EXPECT_EQ(loop_->Run(), StepLoop::Outcome::kStepped);
  EXPECT_EQ(loop_->Run(), StepLoop::Outcome::kStepped);
  EXPECT_EQ(loop_->Run(), StepLoop::Outcome::kClosed);
}

TEST_F(StepLoopTest, ALoopThatEndsAnswersTheRowsThatItHadBegun) {
  Push({{.seed = 1, .steps = 9}});
  Run(2);

  loop_ = nullptr;

  ExpectFailed(1, absl::StatusCode::kUnavailable);
  ExpectNothingLeft();
}

TEST_F(StepLoopTest, TellsTheObserverOfEverything) {
  GainUpTo(2);
  script_.encode = 3s;
  script_.decode = 4s;
  Push({{.seed = 1, .steps = 1}, {.seed = 2, .steps = 2}});
  clock_.Advance(1s);

  Drain();

  const CountingObserver::Heard heard = observer_.heard();
  EXPECT_THAT(heard.queue_waits, ElementsAre(1s, 4s));
  EXPECT_THAT(heard.batches, ElementsAre(2, 1));
  EXPECT_EQ(heard.text_cache_misses, 2);
  EXPECT_THAT(heard.stages.at(Stage::kText), ElementsAre(0s, 0s));
  EXPECT_THAT(heard.stages.at(Stage::kVaeEncode), ElementsAre(3s, 3s));
  EXPECT_THAT(heard.stages.at(Stage::kVaeDecode), ElementsAre(4s, 4s));
  // The first one waits for the second to be taken in.
  EXPECT_THAT(heard.stages.at(Stage::kDenoise), ElementsAre(4s, 2s));
  EXPECT_EQ(heard.wasted_steps, 0);
}

TEST_F(StepLoopTest, MeasuresWhatItDoes) {
  script_.encode = 3s;
  script_.decode = 4s;
  Push({{.seed = 1, .steps = 5}});

  Drain();

  EXPECT_EQ(costs_.RowTime(kKey, 10), 17s);
}

TEST_F(StepLoopTest, CountsTheWorkThatItDoes) {
  GainUpTo(2);
  Push({{.seed = 1, .steps = 4}, {.seed = 2, .steps = 4}});

  Run(3);

  EXPECT_EQ(queue_.work_ahead(), 2 * kStep);
  EXPECT_THAT(queue_.virtual_time(), DoubleEq(3));
}

TEST_F(StepLoopTest, NoneStepsRowsOneByOneThoughMoreWouldGain) {
  GainUpTo(8);
  MakeLoop(Batching::kNone);
  Push({{.seed = 1}, {.seed = 2}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(2)));
}

TEST_F(StepLoopTest, SamePromptStepsNoTwoPromptsTogether) {
  GainUpTo(8);
  MakeLoop(Batching::kSamePrompt);
  Push({{.seed = 1, .prompt = "a cat"},
        {.seed = 2, .prompt = "a dog"},
        {.seed = 3, .prompt = "a cat"}});

  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1, 3), ElementsAre(2)));
}

}  // namespace
}  // namespace upscaler
