// Each test is a process of its own, which the signals may end.

#include "common/end_signals.h"

#include <csignal>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace upscaler {
namespace {

using ::testing::ExitedWithCode;

constexpr int kOwnExit = 7;

// The rest of a process that a signal ought to end.
[[noreturn]] void Hang() {
  while (true) pause();
}

// To the process, as `kill` does it.
void Send(int signal) { kill(getpid(), signal); }

class EndSignalsTest : public ::testing::Test {
 protected:
  EndSignalsTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(EndSignalsTest, EndTheProcessInOrderAndAtOnceWhileItStarts) {
  EXPECT_EXIT(
      {
        const EndSignals signals;
        Send(SIGTERM);
        Hang();
      },
      ExitedWithCode(0), "");
}

TEST_F(EndSignalsTest, AreAwaitedOnceItServes) {
  EXPECT_EXIT(
      {
        EndSignals signals;
        signals.BeginService();
        Send(SIGTERM);
        signals.Await();
        std::_Exit(kOwnExit);
      },
      ExitedWithCode(kOwnExit), "");
}

TEST_F(EndSignalsTest, EndTheProcessAtOnceTheSecondTime) {
  EXPECT_EXIT(
      {
        EndSignals signals;
        signals.BeginService();
        Send(SIGINT);
        signals.Await();
        Send(SIGTERM);
        Hang();
      },
      ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(EndSignalsTest, MayComeFromTheKeyboard) {
  EXPECT_EXIT(
      {
        EndSignals signals;
        signals.BeginService();
        Send(SIGINT);
        signals.Await();
        Send(SIGINT);
        Hang();
      },
      ExitedWithCode(128 + SIGINT), "");
}

TEST_F(EndSignalsTest, ReachNoThreadThatIsStartedLater) {
  EXPECT_EXIT(
      {
        EndSignals signals;
        signals.BeginService();
        const std::jthread other(Hang);
        Send(SIGTERM);
        signals.Await();
        std::_Exit(kOwnExit);
      },
      ExitedWithCode(kOwnExit), "");
}

TEST_F(EndSignalsTest, NeedNotCome) {
  EXPECT_EXIT(
      {
        { const EndSignals signals; }
        std::_Exit(kOwnExit);
      },
      ExitedWithCode(kOwnExit), "");
}

}  // namespace
}  // namespace upscaler
