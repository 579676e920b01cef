#include "worker/scheduler/replica_pool.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/delay_engine.h"
#include "tests/support/delay_engines.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_observer.h"
#include "tests/support/rows.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::DelayEngine;
using test::DelayEngines;
using test::EngineScript;
using test::FakeClock;
using test::IsOk;
using test::NullObserver;
using test::RowMaker;
using test::StatusIs;
using ::testing::_;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Two replicas that share a script: whichever takes a row meets the row's fault.
class ReplicaPoolTest : public ::testing::Test {
 protected:
  ReplicaPoolTest() {
    std::vector<std::unique_ptr<Engine>> engines;
    for (int i = 0; i < 2; ++i) engines.push_back(std::make_unique<DelayEngine>(script_));
    pool_ = std::make_unique<ReplicaPool>(
        parts_, engines_, std::vector<std::string>{"cuda:0", "cuda:1"}, std::move(engines),
        Replica::Options{.rebuild_attempts = 2, .rebuild_pause = 0ms});
  }

  ~ReplicaPoolTest() override { queue_.Close(); }

  void Push(const RowMaker::Wish& wish) {
    std::vector<Row> rows;
    rows.push_back(maker_.Make(wish));
    queue_.Push(std::move(rows));
  }

  // Breaks an engine for good once a replica takes the row.
  void Break(std::uint64_t seed) {
    script_.FailPass({.seed = seed, .step = 1}, absl::UnavailableError("the device was lost"), 1);
  }

  void AwaitServing(std::size_t replicas) {
    while (pool_->serving() != replicas) std::this_thread::yield();
  }

  FakeClock clock_;
  RowMaker maker_{clock_};
  NullObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/2};
  SchedulerParts parts_{queue_, costs_, clock_, observer_};
  std::unique_ptr<ReplicaPool> pool_;
};

TEST_F(ReplicaPoolTest, IsWellWhenAllAre) {
  EXPECT_EQ(pool_->health(), ReplicaHealth::kServing);
  EXPECT_EQ(pool_->size(), 2U);
  EXPECT_EQ(pool_->serving(), 2U);
}

TEST_F(ReplicaPoolTest, IsLateWhenOneIsAndStuckWhenOneIs) {
  script_.HangPass({.seed = 1, .step = 1});
  Push({.seed = 1});
  script_.AwaitHanging();

  clock_.Advance(4s);
  EXPECT_EQ(pool_->health(), ReplicaHealth::kLate);
  EXPECT_EQ(pool_->serving(), 2U);
  clock_.Advance(4s);
  EXPECT_EQ(pool_->health(), ReplicaHealth::kStuck);
  EXPECT_EQ(pool_->serving(), 1U);

  script_.Release();
}

TEST_F(ReplicaPoolTest, OneThatHangsHoldsUpNobodyElsesRows) {
  script_.HangPass({.seed = 1, .step = 1});
  Push({.seed = 1});
  script_.AwaitHanging();

  Push({.seed = 2, .steps = 5});
  maker_.AwaitAnswered(1);

  EXPECT_THAT(maker_.answers(), ElementsAre(Pair(2, ElementsAre(IsOk()))));
  script_.Release();
}

TEST_F(ReplicaPoolTest, TheLossOfOneIsALossOfSpeed) {
  engines_.FailMake(absl::FailedPreconditionError("no such device"));
  Break(1);
  Push({.seed = 1, .steps = 2});
  AwaitServing(1);

  Push({.seed = 2});
  maker_.AwaitAnswered(2);

  EXPECT_EQ(pool_->health(), ReplicaHealth::kServing);
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaPoolTest, AnotherReplicaTakesOverTheRowsOfOneThatIsBeingRebuilt) {
  engines_.Hang();
  Break(1);
  Push({.seed = 1, .steps = 2});

  maker_.AwaitAnswered(1);

  EXPECT_THAT(maker_.answers()[1], ElementsAre(IsOk()));
  EXPECT_EQ(pool_->health(), ReplicaHealth::kServing);
  engines_.Release();
}

TEST_F(ReplicaPoolTest, IsBeingRebuiltWhenAllAre) {
  engines_.Hang();
  Break(1);
  Break(2);
  Push({.seed = 1});
  engines_.AwaitAsked(1);
  maker_.AwaitAnswered(1);
  Push({.seed = 2});
  engines_.AwaitAsked(2);

  EXPECT_EQ(pool_->health(), ReplicaHealth::kRebuilding);
  EXPECT_EQ(pool_->serving(), 0U);
  EXPECT_EQ(queue_.depth(), 1U);
  EXPECT_THAT(engines_.devices(), UnorderedElementsAre("cuda:0", "cuda:1"));

  engines_.Release();
  maker_.AwaitAnswered(2);
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaPoolTest, WhenTheLastOneIsGoneAllThatWaitAndAllThatComeAreAnswered) {
  engines_.FailMake(absl::FailedPreconditionError("no such device"));
  Break(1);
  Push({.seed = 1});
  maker_.AwaitAnswered(1);  // By the other one.
  Break(2);
  Push({.seed = 2});

  maker_.AwaitAnswered(2);
  AwaitServing(0);
  Push({.seed = 3});

  EXPECT_EQ(pool_->health(), ReplicaHealth::kGone);
  for (const std::uint64_t seed : {2U, 3U}) {
    ASSERT_THAT(maker_.answers()[seed], ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
    EXPECT_THAT(ReasonOf(maker_.answers()[seed].front()), Optional(Eq("NO_DEVICE")));
  }
}

}  // namespace
}  // namespace upscaler
