// What goes wrong in an engine, and whom it concerns.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/worker/scheduler/step_loop_fixture.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::EngineScript;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Optional;
using ::testing::SizeIs;
using ::testing::Values;

constexpr int kSteps = 5;

class StepLoopFaultsTest : public test::StepLoopFixture {
 protected:
  StepLoopFaultsTest() : StepLoopFixture(/*gaining=*/kMaxBatch) {}

  // Rows with the seeds 1 to `count` that are stepped together.
  void PushRows(std::uint64_t count) {
    std::vector<test::RowMaker::Wish> wishes;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
      wishes.push_back({.seed = seed, .steps = kSteps});
    }
    Push(std::move(wishes));
  }

  // Expects that `count` rows ended well but for the one at fault, and that each of these
  // took each of its steps once.
  void ExpectOthersDone(std::uint64_t count, std::uint64_t at_fault) {
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
      if (seed == at_fault) continue;
      ExpectDone(seed);
      EXPECT_THAT(maker_.progress(seed), ElementsAre(0, 1, 2, 3, 4, 5)) << "row " << seed;
    }
    ExpectNothingLeft();
  }

  // What the row was told of the memory that is missing.
  void ExpectTooLarge(std::uint64_t seed) {
    ExpectFailed(seed, absl::StatusCode::kResourceExhausted);
    const absl::Status status = maker_.answers()[seed].front();
    EXPECT_THAT(ReasonOf(status), Optional(Eq("OUT_OF_MEMORY")));
    EXPECT_THAT(status.message(), HasSubstr("no memory for a picture of 2x1"));
  }
};

// A fault of one row at one step, in a batch of eight.
class StepLoopRowFaultTest : public StepLoopFaultsTest,
                             public ::testing::WithParamInterface<std::tuple<std::uint64_t, int>> {
 protected:
  const EngineScript::RowStep at_{.seed = std::get<0>(GetParam()), .step = std::get<1>(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(RowsAndSteps, StepLoopRowFaultTest,
                         ::testing::Combine(Values(1, 4, 8), Values(1, 3, kSteps)));

TEST_P(StepLoopRowFaultTest, NumbersThatAreNotFiniteFailTheirRowAlone) {
  PushRows(8);
  script_.FailRow(at_, absl::InternalError("not finite"));

  Drain();

  ExpectFailed(at_.seed, absl::StatusCode::kInternal);
  EXPECT_THAT(maker_.progress(at_.seed), SizeIs(at_.step));
  ExpectOthersDone(8, at_.seed);
}

TEST_P(StepLoopRowFaultTest, AnExceptionFailsTheRowAtFaultAlone) {
  PushRows(8);
  script_.FailPass(at_, absl::InternalError("index out of range"));

  Drain();

  ExpectFailed(at_.seed, absl::StatusCode::kInternal);
  EXPECT_THAT(maker_.progress(at_.seed), SizeIs(at_.step));
  ExpectOthersDone(8, at_.seed);
}

TEST_P(StepLoopRowFaultTest, WantOfMemoryForARowFailsItAlone) {
  PushRows(8);
  script_.FailPass(at_, absl::ResourceExhaustedError("out of memory"));

  Drain();

  ExpectTooLarge(at_.seed);
  ExpectOthersDone(8, at_.seed);
}

TEST_P(StepLoopRowFaultTest, AnEngineThatBreaksOnceCostsNobodyTheirResult) {
  PushRows(8);
  script_.FailPass(at_, absl::UnavailableError("the device was lost"), /*times=*/1);

  Drain();

  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    ExpectDone(seed);
    EXPECT_EQ(maker_.progress(seed).back(), kSteps);
  }
  EXPECT_EQ(observer_.heard().wasted_steps, 8 * (at_.step - 1));
  ExpectNothingLeft();
}

TEST_F(StepLoopFaultsTest, FindsTheRowAtFaultByHalves) {
  PushRows(8);
  script_.FailPass({.seed = 6, .step = 1}, absl::InternalError("index out of range"));

  Run(1);

  EXPECT_THAT(script_.passes(),
              ElementsAre(ElementsAre(1, 2, 3, 4, 5, 6, 7, 8), ElementsAre(1, 2, 3, 4),
                          ElementsAre(5, 6, 7, 8), ElementsAre(5, 6), ElementsAre(5),
                          ElementsAre(6), ElementsAre(7, 8)));
  Drain();
}

TEST_F(StepLoopFaultsTest, SeveralRowsAtFaultFailAndNoOther) {
  PushRows(8);
  for (const std::uint64_t seed : {1U, 2U, 7U}) {
    script_.FailPass({.seed = seed, .step = 2}, absl::InternalError("index out of range"));
  }

  Drain();

  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    if (seed == 1 || seed == 2 || seed == 7) {
      ExpectFailed(seed, absl::StatusCode::kInternal);
    } else {
      ExpectDone(seed);
    }
  }
}

TEST_F(StepLoopFaultsTest, HalvesABatchThatFindsNoMemoryAndMakesNoneSoLargeAgain) {
  PushRows(8);
  script_.LimitRows(3);

  Drain();

  ExpectOthersDone(8, /*at_fault=*/0);
  const std::vector<EngineScript::Seeds> passes = script_.passes();
  EXPECT_THAT(passes[0], SizeIs(8));
  EXPECT_THAT(passes[1], SizeIs(4));
  EXPECT_THAT(std::vector(passes.begin() + 2, passes.begin() + 4), Each(SizeIs(2)));
  EXPECT_THAT(std::vector(passes.begin() + 7, passes.end()), Each(SizeIs(Le(2))));
  EXPECT_EQ(costs_.BatchCap(kKey), 2U);
  EXPECT_THAT(observer_.heard().out_of_memory, ElementsAre("cpu", "cpu", "cpu"));
}

TEST_F(StepLoopFaultsTest, ARowThatIsNotTakenInFailsAlone) {
  PushRows(4);
  script_.FailAdmit(/*seed=*/2, absl::InternalError("bad convolution"));

  Drain();

  ExpectFailed(2, absl::StatusCode::kInternal);
  ExpectOthersDone(4, /*at_fault=*/2);
}

TEST_F(StepLoopFaultsTest, ARowThatThereIsNoMemoryToTakeInIsToldTheSizeThatFits) {
  script_.row_bytes = 400;
  script_.free_bytes = 200;
  PushRows(4);
  script_.FailAdmit(/*seed=*/2, absl::ResourceExhaustedError("out of memory"));

  Drain();

  ExpectTooLarge(2);
  ExpectOthersDone(4, /*at_fault=*/2);
  EXPECT_THAT(observer_.heard().out_of_memory, ElementsAre("cpu"));
}

TEST_F(StepLoopFaultsTest, ARowThatIsNotDecodedFailsAlone) {
  PushRows(4);
  script_.FailDecoding(/*seed=*/2, absl::InternalError("bad convolution"));
  script_.FailDecoding(/*seed=*/3, absl::ResourceExhaustedError("out of memory"));

  Drain();

  ExpectFailed(2, absl::StatusCode::kInternal);
  ExpectTooLarge(3);
  ExpectDone(1);
  ExpectDone(4);
  EXPECT_EQ(observer_.heard().wasted_steps, 2 * kSteps);
}

TEST_F(StepLoopFaultsTest, AnEngineThatBreaksIsSaidToBeBrokenAndItsRowsKeepTheirTurn) {
  MakeLoop(Batching::kNone);
  Push({{.seed = 1, .steps = 4}});
  Run(2);
  Push({{.seed = 2, .steps = 4}});
  script_.FailPass({.seed = 1, .step = 3}, absl::UnavailableError("the device was lost"), 1);

  ASSERT_EQ(loop_->Run(), StepLoop::Outcome::kBroken);
  loop_->GiveBack();

  EXPECT_EQ(queue_.depth(), 2U);
  EXPECT_EQ(queue_.work_ahead(), 8 * kStep);
  EXPECT_EQ(script_.rows_inside(), 0U);
  MakeLoop(Batching::kNone);
  Drain();
  EXPECT_THAT(maker_.order(), ElementsAre(1, 2));
  EXPECT_THAT(maker_.progress(1), ElementsAre(0, 1, 2, 0, 1, 2, 3, 4));
  ExpectDone(1);
  ExpectDone(2);
}

TEST_F(StepLoopFaultsTest, ARowThatHasSeenTwoEnginesBreakIsNotTriedAgain) {
  PushRows(2);
  script_.FailPass({.seed = 1, .step = 2}, absl::UnavailableError("the device was lost"));

  Drain();

  // Both were in both engines; which of them broke these nobody can tell.
  for (const std::uint64_t seed : {1U, 2U}) {
    ExpectFailed(seed, absl::StatusCode::kUnavailable);
    EXPECT_TRUE(RetryAfterOf(maker_.answers()[seed].front()).has_value());
  }
  ExpectNothingLeft();
}

TEST_F(StepLoopFaultsTest, ARowThatBreaksEnginesAsItIsTakenInHarmsNobodyElse) {
  PushRows(4);
  script_.FailAdmit(/*seed=*/1, absl::UnavailableError("the device was lost"));

  Drain();

  ExpectFailed(1, absl::StatusCode::kUnavailable);
  ExpectOthersDone(4, /*at_fault=*/1);
}

TEST_F(StepLoopFaultsTest, ARowThatIsCancelledAfterItsEngineBrokeIsAnsweredOnce) {
  Push({{.seed = 1, .steps = 4}});
  Run(2);
  script_.FailPass({.seed = 1, .step = 3}, absl::UnavailableError("the device was lost"));
  ASSERT_EQ(loop_->Run(), StepLoop::Outcome::kBroken);

  maker_.Cancel(1);
  loop_->GiveBack();
  queue_.DropDeparted();

  ExpectFailed(1, absl::StatusCode::kCancelled);
  ExpectNothingLeft();
}

TEST_F(StepLoopFaultsTest, ARowThatFailsGivesItsShareToTheOthers) {
  MakeLoop(Batching::kNone);
  Push({{.seed = 1, .steps = 4}, {.seed = 2, .steps = 40}});
  script_.FailRow({.seed = 1, .step = 1}, absl::InternalError("not finite"));

  Run(5);

  // The other one is alone from the second step on.
  EXPECT_THAT(queue_.virtual_time(), ::testing::DoubleEq(4));
  Drain();
}

}  // namespace
}  // namespace upscaler
