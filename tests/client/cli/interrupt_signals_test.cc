#include "client/cli/interrupt_signals.h"

#include <csignal>
#include <future>

#include <gtest/gtest.h>
#include <unistd.h>

namespace upscaler {
namespace {

bool IsBlocked(int signal) {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

// Gives the signals of this thread back as they were.
class InterruptSignalsTest : public ::testing::Test {
 protected:
  InterruptSignalsTest() { pthread_sigmask(SIG_SETMASK, nullptr, &before_); }
  ~InterruptSignalsTest() override {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    ::signal(SIGHUP, SIG_DFL);
  }

  sigset_t before_;
};

TEST_F(InterruptSignalsTest, TakesTheEndOfATerminalForARequestToStop) {
  ::signal(SIGHUP, SIG_DFL);
  const InterruptSignals signals;
  std::promise<void> stopped;
  const std::stop_callback on_stop(signals.stop_token(), [&stopped] { stopped.set_value(); });

  ::kill(::getpid(), SIGHUP);

  stopped.get_future().wait();
}

TEST_F(InterruptSignalsTest, LeavesASignalIgnoredThatIsSo) {
  ::signal(SIGHUP, SIG_IGN);

  const InterruptSignals signals;

  EXPECT_TRUE(IsBlocked(SIGTERM));
  EXPECT_FALSE(IsBlocked(SIGHUP));
}

}  // namespace
}  // namespace upscaler
