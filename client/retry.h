// Whether a call that failed is worth another try, and when.
//
// Nothing is sent from here: who makes calls asks, waits, and calls again. A server that
// is full or starting says when to come back; one that cannot be reached says nothing,
// and is left alone for longer and longer.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

#include <absl/status/status.h>

#include "common/clock.h"

namespace upscaler {

struct RetryOptions {
  // The first one counts: 1 means that nothing is retried. None: as many as the time
  // allows.
  std::optional<int> max_attempts = 5;
  // No retry begins later than this after the start; none: no limit. A deadline of the
  // call itself counts besides.
  std::optional<std::chrono::milliseconds> give_up_after{};
  // The wait after the first attempt where the server names none; each one after that is
  // twice as long. No wait is shorter, whatever the server says.
  std::chrono::milliseconds first_delay{500};
  std::chrono::milliseconds max_delay{30'000};
  // The same seed gives the same waits; none: they differ from client to client.
  std::optional<std::uint64_t> seed{};
};

// RetryOptions of calls that are made once.
inline constexpr RetryOptions kNoRetries{.max_attempts = 1};

// How long to wait after the attempt number `attempts`, from 1, has ended with `status`;
// nothing where another one is not allowed or cannot help. Retried are kUnavailable, and
// kResourceExhausted where the server has said when to come back (RetryAfterOf): that is
// the least wait. `random`, from 0 to below 1, lengthens waits by up to a half, so that
// clients that failed together don't come back together. Nothing, too, where `time_left`
// would be over by then; none: no limit.
std::optional<std::chrono::milliseconds> RetryDelay(
    const RetryOptions& options, const absl::Status& status, int attempts,
    std::optional<std::chrono::milliseconds> time_left, double random);

// Keeps count of the attempts at one thing. Not thread-safe.
class RetrySchedule {
 public:
  // `timeout`, from now on, is that of the thing as a whole; none: no limit. `clock` must
  // outlive the schedule.
  RetrySchedule(const RetryOptions& options, std::optional<std::chrono::milliseconds> timeout,
                const Clock& clock);

  // Another attempt has ended with `status`: how long to wait, as RetryDelay says.
  std::optional<std::chrono::milliseconds> Next(const absl::Status& status);

  // The last attempt got somewhere, so that the next failure is a first one again. The
  // times go on.
  void Restart() { attempts_ = 0; }

  // Of the timeout; none: no limit. Not below zero.
  std::optional<std::chrono::milliseconds> time_left() const;

 private:
  const RetryOptions options_;
  const Clock& clock_;
  const TimePoint start_;
  const std::optional<std::chrono::milliseconds> timeout_;
  std::mt19937_64 random_;
  int attempts_ = 0;
};

}  // namespace upscaler
