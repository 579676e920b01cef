#include "server/jobs/job_watchers.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

// How soon another watcher may have left.
constexpr std::chrono::seconds kRetryPause{1};

}  // namespace

absl::Status JobWatchers::Add(std::weak_ptr<JobWatcher> watcher) {
  MutexLock lock(mutex_);
  std::erase_if(watchers_, [](const auto& other) { return other.expired(); });
  if (watchers_.size() >= kMost) {
    return WithRetryAfter(WithReason(absl::ResourceExhaustedError(fmt::format(
                                         "{} calls watch the job; no more may at a time", kMost)),
                                     "TOO_MANY_WATCHERS"),
                          kRetryPause);
  }
  watchers_.push_back(std::move(watcher));
  return absl::OkStatus();
}

void JobWatchers::Notify() {
  {
    MutexLock lock(mutex_);
    if (watchers_.empty() || std::exchange(waiting_, true)) return;
  }
  const bool later =
      notifier_ != nullptr && notifier_->Add([self = shared_from_this()] { self->Tell(); });
  if (!later) Tell();
}

void JobWatchers::Tell() {
  std::vector<std::weak_ptr<JobWatcher>> watchers;
  {
    MutexLock lock(mutex_);
    waiting_ = false;  // Before they look: what comes while they do is told again.
    watchers = watchers_;
  }
  for (const auto& watcher : watchers) {
    if (const std::shared_ptr<JobWatcher> here = watcher.lock()) here->OnChange();
  }
}

}  // namespace upscaler
