// The bound, taken at its word: of requests that come all at once, exactly those beyond it
// are refused, whatever the replica is at.

#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/collecting_listener.h"
#include "tests/support/delay_engine.h"
#include "tests/support/delay_engines.h"
#include "tests/support/null_observer.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "worker/scheduler/replica.h"
#include "worker/upscaler.h"

namespace upscaler {
namespace {

using test::CollectingListener;
using test::IsOk;
using test::StatusIs;

constexpr std::size_t kWaiting = 5;
constexpr std::size_t kInWork = 2;
constexpr std::size_t kTooMany = 7;
constexpr int kRounds = 100;

// Starts so many requests at once, each on a thread of its own. Answers those that were
// admitted; the others were refused because the queue is full, with a time to come back.
std::vector<std::shared_ptr<CollectingListener>> StartAtOnce(Upscaler& upscaler,
                                                             std::size_t count) {
  const std::string picture = test::GradientPng(16, 16);
  std::vector<std::shared_ptr<CollectingListener>> admitted;
  Mutex mutex;
  std::latch all_there(static_cast<std::ptrdiff_t>(count));
  std::vector<std::jthread> callers;
  for (std::size_t i = 0; i < count; ++i) {
    callers.emplace_back([&, i] {
      const auto listener = std::make_shared<CollectingListener>();
      all_there.arrive_and_wait();
      const auto job = upscaler.Start(
          {.input = picture, .prompt = "a cat", .negative_prompt = "", .steps = 2, .seed = i + 1},
          listener);
      if (job.ok()) {
        const MutexLock lock(mutex);
        admitted.push_back(listener);
      } else {
        EXPECT_THAT(job, StatusIs(absl::StatusCode::kResourceExhausted));
        EXPECT_NE(RetryAfterOf(job.status()), std::nullopt);
      }
    });
  }
  callers.clear();  // Joins them.
  return admitted;
}

TEST(BoundTest, ExactlyWhatIsBeyondItIsRefusedAHundredTimes) {
  test::StartedVips();
  const SteadyClock clock;
  test::NullObserver observer;
  test::EngineScript script;
  test::DelayEngines engines(script);
  Admission admission({.rows = kWaiting + kInWork, .bytes = 1 << 30});
  RowQueue queue(clock);
  CostModel costs(kInWork);
  const SchedulerParts parts = {
      .queue = queue, .costs = costs, .clock = clock, .observer = observer};
  ThreadPool pool(2);
  {
    Replica replica(parts, {}, engines, std::make_unique<test::DelayEngine>(script), [] {});
    Upscaler upscaler({.rules = {.sides = {.multiple = 8, .minimum = 16}}}, admission, parts,
                      {pool, pool});
    for (int round = 0; round < kRounds; ++round) {
      constexpr std::size_t kAll = kWaiting + kInWork + kTooMany;
      for (std::uint64_t seed = 1; seed <= kAll; ++seed) script.HangPass({.seed = seed, .step = 1});

      const auto admitted = StartAtOnce(upscaler, kAll);

      EXPECT_EQ(admitted.size(), kWaiting + kInWork);
      EXPECT_EQ(admission.rows(), kWaiting + kInWork);
      script.AwaitHanging();
      script.Release();
      for (const auto& listener : admitted) EXPECT_THAT(listener->AwaitOutcome(), IsOk());
      EXPECT_EQ(admission.rows(), 0U);
      EXPECT_EQ(admission.bytes(), 0);
    }
    upscaler.AwaitIdle(TimePoint::max());
    queue.Close();
  }
  EXPECT_EQ(queue.depth(), 0U);
}

}  // namespace
}  // namespace upscaler
