#include "client/cli/server_presence.h"

#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

// These codes are given on this side too, but then without a reason.
bool IsAnswer(const absl::Status& status) {
  const bool may_be_ours =
      absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
  return !may_be_ours || ReasonOf(status).has_value();
}

}  // namespace

ServerPresence::ServerPresence(std::string server,
                               std::optional<std::chrono::milliseconds> patience,
                               const Clock& clock)
    : server_(std::move(server)), patience_(patience), clock_(clock) {}

void ServerPresence::Heard(const absl::Status& status, std::chrono::milliseconds next) {
  TimePoint::duration silence{};
  {
    const MutexLock lock(mutex_);
    if (IsAnswer(status)) {
      silent_since_.reset();
      return;
    }
    const TimePoint now = clock_.Now();
    if (!silent_since_.has_value()) silent_since_ = now;
    silence = now - *silent_since_;
    if (!patience_.has_value() || silence + next < *patience_) return;
  }
  GiveUp(absl::UnavailableError(fmt::format(
      "cannot reach the server at {}, silent for {} s: {}", server_,
      std::chrono::round<std::chrono::seconds>(silence).count(), std::string(status.message()))));
}

void ServerPresence::GiveUp(absl::Status why) {
  {
    const MutexLock lock(mutex_);
    if (!status_.ok()) return;
    status_ = std::move(why);
  }
  given_up_.request_stop();
}

absl::Status ServerPresence::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

}  // namespace upscaler
