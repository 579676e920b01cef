#include "server/access/quota.h"

#include <algorithm>
#include <cassert>
#include <unordered_set>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

// When a place among a caller's calls becomes free cannot be known.
constexpr std::chrono::seconds kRetryForPlace{1};

constexpr TimePoint::duration kMinute = std::chrono::minutes(1);

absl::Status TooManyCalls(const Quota& quota) {
  return WithRetryAfter(
      WithReason(absl::ResourceExhaustedError(fmt::format(
                     "this API key may have {} calls open at a time", quota.concurrent_calls)),
                 "TOO_MANY_CALLS"),
      kRetryForPlace);
}

absl::Status RateLimited(const Quota& quota, TimePoint::duration wait) {
  // Upwards: who comes back that late is let in.
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(wait);
  return WithRetryAfter(
      WithReason(absl::ResourceExhaustedError(fmt::format(
                     "this API key may make {} calls a minute; the next in {:.1f} s",
                     quota.requests_per_minute, std::chrono::duration<double>(delay).count())),
                 "RATE_LIMITED"),
      delay);
}

}  // namespace

int Quota::burst() const { return std::max(1, requests_per_minute / 10); }

QuotaUse::QuotaUse(const Clock& clock) : clock_(clock) {}

absl::Status QuotaUse::Enter(std::string_view caller, const Quota& quota) {
  const TimePoint now = clock_.Now();
  const MutexLock lock(mutex_);
  const auto known = uses_.find(caller);
  Use& use = known != uses_.end() ? known->second : uses_[std::string(caller)];
  if (quota.concurrent_calls > 0 && use.open_calls >= quota.concurrent_calls) {
    return TooManyCalls(quota);
  }
  if (quota.requests_per_minute > 0) {
    const TimePoint::duration token = kMinute / quota.requests_per_minute;
    const TimePoint::duration whole = token * quota.burst();
    // At most empty, though the bucket may have been a larger one until now.
    use.full_at = std::clamp(use.full_at, now, now + whole);
    const TimePoint::duration wait = use.full_at + token - (now + whole);
    if (wait > TimePoint::duration::zero()) return RateLimited(quota, wait);
    use.full_at += token;
  }
  ++use.open_calls;
  return absl::OkStatus();
}

void QuotaUse::Leave(std::string_view caller) {
  const MutexLock lock(mutex_);
  const auto use = uses_.find(caller);
  assert(use != uses_.end() && use->second.open_calls > 0);
  --use->second.open_calls;
  if (!use->second.kept && use->second.open_calls == 0) uses_.erase(use);
}

void QuotaUse::KeepOnly(const std::vector<std::string>& callers) {
  const std::unordered_set<std::string> wanted(callers.begin(), callers.end());
  const MutexLock lock(mutex_);
  for (auto& [name, use] : uses_) use.kept = wanted.contains(name);
  std::erase_if(
      uses_, [](const auto& entry) { return !entry.second.kept && entry.second.open_calls == 0; });
}

std::size_t QuotaUse::size() const {
  const MutexLock lock(mutex_);
  return uses_.size();
}

}  // namespace upscaler
