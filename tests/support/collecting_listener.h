// Hears everything about one request and lets a test wait for its end.

#pragma once

#include <condition_variable>
#include <optional>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "worker/upscaler.h"

namespace upscaler::test {

// Thread-safe.
class CollectingListener final : public JobListener {
 public:
  void OnQueued(PictureSize input, std::size_t rows_ahead) override {
    MutexLock lock(mutex_);
    input_ = input;
    rows_ahead_ = rows_ahead;
    changed_.notify_all();
  }

  void OnProgress(const JobProgress& progress) override {
    MutexLock lock(mutex_);
    progress_.push_back(progress);
  }

  void OnDone(absl::StatusOr<UpscaleOutcome> outcome) override {
    MutexLock lock(mutex_);
    outcomes_.push_back(std::move(outcome));
    changed_.notify_all();
  }

  // Waits until the request is queued and tells how many rows are ahead.
  std::size_t AwaitQueued() {
    MutexLock lock(mutex_);
    while (!rows_ahead_.has_value()) lock.Wait(changed_);
    return *rows_ahead_;
  }

  // Waits for the end.
  absl::StatusOr<UpscaleOutcome> AwaitOutcome() {
    MutexLock lock(mutex_);
    while (outcomes_.empty()) lock.Wait(changed_);
    return outcomes_.front();
  }

  PictureSize input() const {
    MutexLock lock(mutex_);
    return input_;
  }
  std::vector<JobProgress> progress() const {
    MutexLock lock(mutex_);
    return progress_;
  }
  std::size_t ends() const {
    MutexLock lock(mutex_);
    return outcomes_.size();
  }

 private:
  mutable Mutex mutex_;
  std::condition_variable changed_;
  PictureSize input_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::size_t> rows_ahead_ ABSL_GUARDED_BY(mutex_);
  std::vector<JobProgress> progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::StatusOr<UpscaleOutcome>> outcomes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
