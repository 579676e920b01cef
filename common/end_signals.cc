#include "common/end_signals.h"

#include <cstdlib>

namespace upscaler {
namespace {

// Exit codes of processes that a signal has ended begin here.
constexpr int kSignalExitCodes = 128;

sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace

EndSignals::EndSignals() : signals_(BlockEndSignals()), thread_(&EndSignals::Run, this) {}

EndSignals::~EndSignals() {
  {
    const MutexLock lock(mutex_);
    phase_ = Phase::kOver;
  }
  pthread_kill(thread_.native_handle(), SIGTERM);  // Ends its wait.
}

void EndSignals::BeginService() {
  const MutexLock lock(mutex_);
  phase_ = Phase::kServing;
}

void EndSignals::Await() {
  MutexLock lock(mutex_);
  while (phase_ == Phase::kServing) lock.Wait(changed_);
}

void EndSignals::Run() {
  int signal = 0;
  do {
    sigwait(&signals_, &signal);
  } while (Take(signal));
}

bool EndSignals::Take(int signal) {
  const MutexLock lock(mutex_);
  switch (phase_) {
    case Phase::kStarting:
      // Not exit: it would take down what other threads are at.
      std::_Exit(0);
    case Phase::kServing:
      phase_ = Phase::kEnding;
      changed_.notify_all();
      return true;
    case Phase::kEnding:
      std::_Exit(kSignalExitCodes + signal);
    case Phase::kOver:
      break;
  }
  return false;
}

}  // namespace upscaler
