// Signals are for processes: each test has one of its own, where no other test's threads
// could be hit.

#include "client/cli/interrupt_signals.h"

#include <csignal>
#include <future>

#include <gtest/gtest.h>
#include <unistd.h>

namespace upscaler {
namespace {

class InterruptSignalsTest : public ::testing::Test {
 protected:
  InterruptSignalsTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

bool IsBlocked(int signal) {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

// Ends with 0 when it is asked to stop.
[[noreturn]] void HangUp() {
  ::signal(SIGHUP, SIG_DFL);
  const InterruptSignals signals;
  std::promise<void> stopped;
  const std::stop_callback on_stop(signals.stop_token(), [&stopped] { stopped.set_value(); });

  ::kill(::getpid(), SIGHUP);

  stopped.get_future().wait();
  ::_exit(0);
}

// Ends with 0 where SIGTERM is waited for, and SIGHUP is not.
[[noreturn]] void IgnoreHangup() {
  ::signal(SIGHUP, SIG_IGN);
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_UNBLOCK, &hangup, nullptr);

  const InterruptSignals signals;

  ::_exit(IsBlocked(SIGTERM) && !IsBlocked(SIGHUP) ? 0 : 1);
}

TEST_F(InterruptSignalsTest, TakesTheEndOfATerminalForARequestToStop) {
  EXPECT_EXIT(HangUp(), ::testing::ExitedWithCode(0), "");
}

TEST_F(InterruptSignalsTest, LeavesASignalIgnoredThatIsSo) {
  EXPECT_EXIT(IgnoreHangup(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace upscaler
