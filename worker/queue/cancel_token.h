// How a caller that has gone away is made known to the rows that work for it.

#pragma once

#include <atomic>

namespace upscaler {

// Set once, never unset. A request's rows share one token with whoever may
// cancel the request, and no other row has it. Thread-safe.
class CancelToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_ = false;
};

}  // namespace upscaler
