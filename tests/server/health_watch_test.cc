#include "server/health_watch.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr Vitals kWell{.live = true, .ready = true};
constexpr Vitals kUnready{.live = true, .ready = false};
constexpr Vitals kLost{.live = false, .ready = false};

TEST(VitalsTest, AreReadyOnlyWhileReplicasServe) {
  EXPECT_EQ(VitalsOf(ReplicaHealth::kServing, /*draining=*/false), kWell);
  EXPECT_EQ(VitalsOf(ReplicaHealth::kLate, false), kUnready);
  EXPECT_EQ(VitalsOf(ReplicaHealth::kRebuilding, false), kUnready);
  EXPECT_EQ(VitalsOf(ReplicaHealth::kServing, /*draining=*/true), kUnready);
}

TEST(VitalsTest, AreGoneWhereOnlyANewProcessCanHelp) {
  for (const bool draining : {false, true}) {
    EXPECT_EQ(VitalsOf(ReplicaHealth::kStuck, draining), kLost);
    EXPECT_EQ(VitalsOf(ReplicaHealth::kGone, draining), kLost);
  }
}

class HealthWatchTest : public ::testing::Test {
 protected:
  HealthWatch Watch() {
    return HealthWatch([this] { return health_.load(); },
                       [this](const Vitals& vitals) {
                         const MutexLock lock(mutex_);
                         told_.push_back(vitals);
                         changed_.notify_all();
                       },
                       queue_, /*interval=*/1ms);
  }

  // All that was told, as soon as it is so much.
  std::vector<Vitals> AwaitTold(std::size_t count) {
    MutexLock lock(mutex_);
    while (told_.size() < count) lock.Wait(changed_);
    return told_;
  }

  test::FakeClock clock_;
  RowQueue queue_{clock_};
  std::atomic<ReplicaHealth> health_ = ReplicaHealth::kServing;
  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<Vitals> told_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(HealthWatchTest, TellsAtOnceHowThingsAre) {
  const HealthWatch watch = Watch();

  EXPECT_THAT(AwaitTold(0), ElementsAre(kWell));
}

TEST_F(HealthWatchTest, TellsEachChangeAndNothingElse) {
  const HealthWatch watch = Watch();

  health_ = ReplicaHealth::kLate;
  AwaitTold(2);
  health_ = ReplicaHealth::kStuck;
  AwaitTold(3);
  health_ = ReplicaHealth::kServing;

  EXPECT_THAT(AwaitTold(4), ElementsAre(kWell, kUnready, kLost, kWell));
}

TEST_F(HealthWatchTest, HasToldOfTheDrainWhenItReturns) {
  HealthWatch watch = Watch();

  watch.Drain();

  EXPECT_THAT(AwaitTold(0), ElementsAre(kWell, kUnready));
}

TEST_F(HealthWatchTest, TellsOfALossWhileItDrains) {
  HealthWatch watch = Watch();
  watch.Drain();

  health_ = ReplicaHealth::kStuck;

  EXPECT_THAT(AwaitTold(3), ElementsAre(kWell, kUnready, kLost));
}

TEST_F(HealthWatchTest, DropsRowsThatNobodyWaitsFor) {
  test::RowMaker rows(clock_);
  std::vector<Row> waiting;
  waiting.push_back(rows.Make({.seed = 1, .time_left = 5s}));
  queue_.Push(std::move(waiting));
  const HealthWatch watch = Watch();

  clock_.Advance(6s);

  while (rows.answered() == 0) continue;  // No replica looks into the queue.
  EXPECT_EQ(rows.result(1).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(queue_.depth(), 0U);
}

}  // namespace
}  // namespace upscaler
