#include "client/cli/interrupt_signals.h"

#include <cstdlib>

namespace upscaler {
namespace {

// Exit codes of processes that a signal has ended begin here.
constexpr int kSignalExitCodes = 128;

sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // One that is blocked would come through although it is ignored.
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace

InterruptSignals::InterruptSignals()
    : signals_(BlockSignals()), thread_(&InterruptSignals::Run, this) {}

InterruptSignals::~InterruptSignals() {
  over_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);  // Ends its wait.
}

void InterruptSignals::Run() {
  int signal = 0;
  sigwait(&signals_, &signal);
  if (over_) return;
  stop_.request_stop();
  sigwait(&signals_, &signal);
  // Not exit: it would take down what other threads are at.
  if (!over_) std::_Exit(kSignalExitCodes + signal);
}

}  // namespace upscaler
