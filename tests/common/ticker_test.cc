#include "common/ticker.h"

#include <chrono>
#include <condition_variable>

#include <gtest/gtest.h>

#include "common/mutex.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;

TEST(TickerTest, CallsItsTaskAgainAndAgainUntilItEnds) {
  Mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  {
    const Ticker ticker(1ms, [&] {
      const MutexLock lock(mutex);
      ++calls;
      changed.notify_all();
    });
    MutexLock lock(mutex);
    while (calls < 3) lock.Wait(changed);
  }

  EXPECT_GE(calls, 3);
}

TEST(TickerTest, EndsBeforeItsFirstCall) {
  const Ticker ticker(24h, [] { FAIL(); });
}

}  // namespace
}  // namespace upscaler
