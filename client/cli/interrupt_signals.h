// SIGINT, SIGTERM and SIGHUP as a request to stop, so that work in progress is cancelled on the
// server too and no half-written file stays behind.

#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace upscaler {

// One a process, made by main before there are other threads. Thread-safe.
class InterruptSignals {
 public:
  // Blocks the signals in this thread and in all that come from it, for good. Not SIGHUP
  // where the process has been told to ignore it, as nohup does.
  InterruptSignals();
  ~InterruptSignals();
  InterruptSignals(const InterruptSignals&) = delete;
  InterruptSignals& operator=(const InterruptSignals&) = delete;

  // Asked to stop at the first signal. Another one ends the process at once, with 128 and
  // its number, as shells have it.
  std::stop_token stop_token() const { return stop_.get_token(); }

 private:
  void Run();

  const sigset_t signals_;
  std::stop_source stop_;
  std::atomic<bool> over_ = false;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
