#include "server/service/stall_watch.h"

#include <chrono>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;

class StallWatchTest : public ::testing::Test {
 protected:
  test::FakeClock clock_;
  StallWatch watch_{clock_, 10s};
  int stalls_ = 0;
};

TEST_F(StallWatchTest, TellsOnceOfAClientThatTakesTooLong) {
  StallWatch::Watched client(watch_, [this] { ++stalls_; });
  client.Expect();
  clock_.Advance(9s);
  watch_.Look();
  EXPECT_EQ(stalls_, 0);

  clock_.Advance(1s);
  watch_.Look();
  watch_.Look();

  EXPECT_EQ(stalls_, 1);
}

TEST_F(StallWatchTest, EveryMessageHasTheWholeTime) {
  StallWatch::Watched client(watch_, [this] { ++stalls_; });
  for (int message = 0; message < 3; ++message) {
    client.Expect();
    clock_.Advance(9s);
    watch_.Look();
  }

  EXPECT_EQ(stalls_, 0);
}

TEST_F(StallWatchTest, AClientThatGoesOnHasWhatIsLeftOfItsTime) {
  StallWatch::Watched client(watch_, [this] { ++stalls_; });
  client.Expect();
  for (int message = 0; message < 3; ++message) {
    client.Rest();
    client.Resume();
    clock_.Advance(4s);
    watch_.Look();
  }

  EXPECT_EQ(stalls_, 1);
}

TEST_F(StallWatchTest, LeavesAClientAloneThatNeedNotDoAnything) {
  StallWatch::Watched client(watch_, [this] { ++stalls_; });
  client.Expect();
  client.Rest();
  clock_.Advance(1h);
  watch_.Look();

  EXPECT_EQ(stalls_, 0);
}

TEST_F(StallWatchTest, WaitsForTheLastClientToGo) {
  auto client = std::make_unique<StallWatch::Watched>(watch_, [] {});
  watch_.AwaitNobody(SteadyClock().Now());  // Returns, though somebody is there.
  const std::jthread leaving([&] { client.reset(); });

  watch_.AwaitNobody(TimePoint::max());

  EXPECT_EQ(client, nullptr);
}

TEST_F(StallWatchTest, ForgetsAClientThatHasGone) {
  {
    StallWatch::Watched client(watch_, [this] { ++stalls_; });
    client.Expect();
  }
  clock_.Advance(1h);
  watch_.Look();

  EXPECT_EQ(stalls_, 0);
}

}  // namespace
}  // namespace upscaler
