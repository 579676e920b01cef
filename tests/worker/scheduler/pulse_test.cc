#include "worker/scheduler/pulse.h"

#include <chrono>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;

class PulseTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  Pulse pulse_{clock_};
};

TEST_F(PulseTest, IsFineForAsLongAsThereIsNothingToDo) {
  clock_.Advance(24h);

  EXPECT_EQ(pulse_.state(), PulseState::kFine);
}

TEST_F(PulseTest, LongWorkIsLateAfterFiveTimesItsTimeAndStuckAfterTen) {
  const Pulse::Work work(pulse_, /*expected=*/2s);

  clock_.Advance(10s - 1ns);
  EXPECT_EQ(pulse_.state(), PulseState::kFine);
  clock_.Advance(1ns);
  EXPECT_EQ(pulse_.state(), PulseState::kLate);
  clock_.Advance(10s - 1ns);
  EXPECT_EQ(pulse_.state(), PulseState::kLate);
  clock_.Advance(1ns);
  EXPECT_EQ(pulse_.state(), PulseState::kStuck);
}

TEST_F(PulseTest, ShortWorkHasFourSecondsAndFourMore) {
  const Pulse::Work work(pulse_, /*expected=*/0s);

  clock_.Advance(4s - 1ns);
  EXPECT_EQ(pulse_.state(), PulseState::kFine);
  clock_.Advance(1ns);
  EXPECT_EQ(pulse_.state(), PulseState::kLate);
  clock_.Advance(4s);
  EXPECT_EQ(pulse_.state(), PulseState::kStuck);
}

TEST_F(PulseTest, IsFineAgainOnceTheWorkHasEndedAfterAll) {
  {
    const Pulse::Work work(pulse_, /*expected=*/1s);
    clock_.Advance(1min);
    ASSERT_EQ(pulse_.state(), PulseState::kStuck);
  }

  EXPECT_EQ(pulse_.state(), PulseState::kFine);
}

TEST_F(PulseTest, EachPieceOfWorkHasItsOwnTime) {
  { const Pulse::Work slow(pulse_, /*expected=*/1min); }
  const Pulse::Work quick(pulse_, /*expected=*/1s);

  clock_.Advance(5s);

  EXPECT_EQ(pulse_.state(), PulseState::kLate);
}

TEST_F(PulseTest, TwoThreadsAreAsWellAsTheWorseOfThem) {
  Pulses pulses(clock_);
  const Pulse::Work decoding(pulses.decoding, /*expected=*/1s);
  EXPECT_EQ(pulses.state(), PulseState::kFine);

  clock_.Advance(5s);
  EXPECT_EQ(pulses.state(), PulseState::kLate);

  const Pulse::Work steps(pulses.steps, /*expected=*/1s);
  EXPECT_EQ(pulses.state(), PulseState::kLate);
}

}  // namespace
}  // namespace upscaler
