#include "client/retry.h"

#include <algorithm>

#include "common/error_details.h"

namespace upscaler {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr double kJitter = 0.5;  // Of a wait, at most.

// A server that means longer means never. Keeps the sums below from overflowing.
constexpr Milliseconds kLongestWait = std::chrono::hours(24 * 365);

Milliseconds BackOff(const RetryOptions& options, int attempts) {
  Milliseconds delay = options.first_delay;
  for (int i = 1; i < attempts && delay < options.max_delay; ++i) delay *= 2;
  return std::min(delay, options.max_delay);
}

std::optional<Milliseconds> LeastWait(const RetryOptions& options, const absl::Status& status,
                                      int attempts) {
  const std::optional<Milliseconds> asked = RetryAfterOf(status);
  const bool full = absl::IsResourceExhausted(status) && asked.has_value();
  if (!absl::IsUnavailable(status) && !full) return std::nullopt;
  if (!asked.has_value()) return BackOff(options, attempts);
  if (*asked > kLongestWait) return std::nullopt;
  return std::max(*asked, options.first_delay);
}

// The lesser, where there is one.
std::optional<Milliseconds> Sooner(std::optional<Milliseconds> a, std::optional<Milliseconds> b) {
  if (!a.has_value()) return b;
  return b.has_value() ? std::min(*a, *b) : a;
}

std::optional<Milliseconds> LeftOf(std::optional<Milliseconds> time, Milliseconds passed) {
  if (!time.has_value()) return std::nullopt;
  return std::max(*time - passed, Milliseconds(0));
}

}  // namespace

std::optional<Milliseconds> RetryDelay(const RetryOptions& options, const absl::Status& status,
                                       int attempts, std::optional<Milliseconds> time_left,
                                       double random) {
  if (options.max_attempts.has_value() && attempts >= *options.max_attempts) return std::nullopt;
  const std::optional<Milliseconds> least = LeastWait(options, status, attempts);
  if (!least.has_value()) return std::nullopt;
  const auto jitter = std::chrono::duration_cast<Milliseconds>(*least * (kJitter * random));
  const Milliseconds delay = *least + jitter;
  if (time_left.has_value() && delay >= *time_left) return std::nullopt;
  return delay;
}

RetrySchedule::RetrySchedule(const RetryOptions& options, std::optional<Milliseconds> timeout,
                             const Clock& clock)
    : options_(options),
      clock_(clock),
      start_(clock.Now()),
      timeout_(timeout),
      random_(options.seed.has_value() ? *options.seed : std::random_device()()) {}

std::optional<Milliseconds> RetrySchedule::Next(const absl::Status& status) {
  ++attempts_;
  const auto passed = std::chrono::duration_cast<Milliseconds>(clock_.Now() - start_);
  return RetryDelay(options_, status, attempts_,
                    LeftOf(Sooner(timeout_, options_.give_up_after), passed),
                    std::uniform_real_distribution<double>()(random_));
}

std::optional<Milliseconds> RetrySchedule::time_left() const {
  return LeftOf(timeout_, std::chrono::duration_cast<Milliseconds>(clock_.Now() - start_));
}

}  // namespace upscaler
