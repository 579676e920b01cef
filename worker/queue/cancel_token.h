// How a caller that has gone away is made known to the rows that work for it.

#pragma once

#include <atomic>

#include <absl/status/status.h>

#include "common/error_details.h"

namespace upscaler {

// Why a request is given up.
enum class CancelCause {
  kNone,
  kCaller,    // It went away, or asked for it.
  kShutdown,  // The server ends before the request does.
};

// Set once, never unset. A request's rows share one token with whoever may
// cancel the request, and no other row has it. Thread-safe.
class CancelToken {
 public:
  // The first cause counts.
  void Cancel(CancelCause cause = CancelCause::kCaller) {
    CancelCause none = CancelCause::kNone;
    cause_.compare_exchange_strong(none, cause, std::memory_order_relaxed);
  }

  bool cancelled() const { return cause_.load(std::memory_order_relaxed) != CancelCause::kNone; }

  // What the request is answered with. Requires cancelled().
  absl::Status status() const {
    if (cause_.load(std::memory_order_relaxed) == CancelCause::kShutdown) return DrainingError();
    return absl::CancelledError("the request was cancelled");
  }

 private:
  std::atomic<CancelCause> cause_ = CancelCause::kNone;
};

}  // namespace upscaler
