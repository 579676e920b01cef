#include "worker/scheduler/replica.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_engine.h"
#include "tests/support/null_observer.h"
#include "tests/support/rows.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::FakeEngine;
using test::IsOk;
using test::NullObserver;
using test::RowMaker;
using test::StatusIs;
using ::testing::_;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

class ReplicaTest : public ::testing::Test {
 protected:
  void Push(const RowMaker::Wish& wish) {
    absl::StatusOr<Reservation> reservation = queue_.Reserve(1);
    ASSERT_THAT(reservation, IsOk());
    std::vector<Row> rows;
    rows.push_back(maker_.Make(wish));
    queue_.Push(*std::move(reservation), std::move(rows));
  }

  std::unique_ptr<Replica> StartReplica(std::size_t max_batch) {
    return std::make_unique<Replica>(queue_, std::make_unique<FakeEngine>(script_), max_batch,
                                     clock_, observer_);
  }

  // Lets one replica work off all that was pushed.
  void Drain(std::size_t max_batch) {
    queue_.Close();
    StartReplica(max_batch);
  }

  FakeClock clock_;
  RowMaker maker_{clock_};
  NullObserver observer_;
  FakeEngine::Script script_;
  RowQueue queue_{/*capacity=*/16, clock_};
};

TEST_F(ReplicaTest, AnswersARowWithTwiceItsPicture) {
  Push({.seed = 1, .width = 3, .steps = 2});

  Drain(/*max_batch=*/4);

  const absl::StatusOr<RowResult> result = maker_.result(1);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->image.width, 6);
  EXPECT_EQ(result->image.height, 2);
  EXPECT_THAT(maker_.progress(1), ElementsAre(0, 1, 2));
}

TEST_F(ReplicaTest, StepsAtMostMaxBatchRowsAtOnce) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) Push({.seed = seed});

  Drain(/*max_batch=*/2);

  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
}

TEST_F(ReplicaTest, LetsRowsJoinAndLeaveBetweenSteps) {
  Push({.seed = 1, .steps = 3});
  Push({.seed = 2, .steps = 1});
  Push({.seed = 3, .steps = 1});

  Drain(/*max_batch=*/2);

  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(1, 2), ElementsAre(1, 3), ElementsAre(1)));
}

TEST_F(ReplicaTest, DoesNotLetAStreamOfOneKeyStarveAnother) {
  Push({.seed = 1, .width = 2, .steps = 2});
  Push({.seed = 2, .width = 4, .steps = 1});
  Push({.seed = 3, .width = 2, .steps = 1});

  Drain(/*max_batch=*/1);

  EXPECT_THAT(script_.steps(),
              ElementsAre(ElementsAre(1), ElementsAre(1), ElementsAre(2), ElementsAre(3)));
}

TEST_F(ReplicaTest, FailsOnlyTheRowWhoseStepFails) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) Push({.seed = seed, .steps = 3});
  script_.FailStep(/*seed=*/2, /*step=*/2, absl::InternalError("not finite"));

  Drain(/*max_batch=*/4);

  EXPECT_THAT(maker_.answers(),
              ElementsAre(Pair(1, ElementsAre(IsOk())),
                          Pair(2, ElementsAre(StatusIs(absl::StatusCode::kInternal))),
                          Pair(3, ElementsAre(IsOk()))));
  EXPECT_EQ(script_.rows_inside(), 0U);
}

TEST_F(ReplicaTest, FailsOnlyTheRowThatIsNotAdmitted) {
  Push({.seed = 1, .prompt = "bad"});
  Push({.seed = 2});
  script_.FailAdmit("bad", absl::ResourceExhaustedError("out of memory"));

  Drain(/*max_batch=*/4);

  EXPECT_THAT(maker_.answers(),
              ElementsAre(Pair(1, ElementsAre(StatusIs(absl::StatusCode::kResourceExhausted))),
                          Pair(2, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, StopsWorkingForARowThatIsCancelled) {
  Push({.seed = 1, .steps = 100});
  Push({.seed = 2, .steps = 3});
  int steps = 0;
  script_.before_step = [&] {
    if (++steps == 2) maker_.Cancel(1);
  };

  Drain(/*max_batch=*/2);

  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(1, 2), ElementsAre(1, 2), ElementsAre(2)));
  EXPECT_THAT(maker_.answers(),
              ElementsAre(Pair(1, ElementsAre(StatusIs(absl::StatusCode::kCancelled))),
                          Pair(2, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, StopsWorkingForARowPastItsDeadline) {
  Push({.seed = 1, .steps = 100});
  script_.before_step = [&] { clock_.Advance(4s); };

  Drain(/*max_batch=*/1);

  EXPECT_THAT(script_.steps(), SizeIs(3));
  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST_F(ReplicaTest, PassesTheEnginesWarningsOn) {
  Push({.seed = 1, .prompt = "too long"});

  Drain(/*max_batch=*/1);

  EXPECT_THAT(maker_.result(1)->warnings, ElementsAre("the prompt was cut"));
}

TEST_F(ReplicaTest, TakesInWhatArrivesWhileItRuns) {
  std::latch second_pushed(1);
  bool first_step = true;
  script_.before_step = [&] {
    if (std::exchange(first_step, false)) second_pushed.wait();
  };
  const auto replica = StartReplica(/*max_batch=*/2);
  Push({.seed = 1, .steps = 2});
  while (maker_.progress(1).empty()) std::this_thread::yield();  // It runs.

  Push({.seed = 2, .steps = 1});
  second_pushed.count_down();
  queue_.Close();
  while (maker_.answered() < 2) std::this_thread::yield();

  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(1), ElementsAre(1, 2)));
}

TEST_F(ReplicaTest, SeveralReplicasAnswerEveryRowOnce) {
  for (std::uint64_t seed = 1; seed <= 16; ++seed) Push({.seed = seed, .steps = 3});
  queue_.Close();
  {
    FakeEngine::Script other_script;
    const Replica other(queue_, std::make_unique<FakeEngine>(other_script), 3, clock_, observer_);
    StartReplica(/*max_batch=*/3);
  }

  EXPECT_THAT(maker_.answers(), SizeIs(16));
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

}  // namespace
}  // namespace upscaler
