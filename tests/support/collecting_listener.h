// Hears everything about one request and lets a test wait for its end.

#pragma once

#include <condition_variable>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "worker/upscaler.h"

namespace upscaler::test {

// Thread-safe.
class CollectingListener final : public JobListener {
 public:
  void OnAccepted(const AcceptedPicture& picture) override {
    MutexLock lock(mutex_);
    accepted_ = picture;
  }

  void OnQueued(const QueuePlace& place) override {
    MutexLock lock(mutex_);
    places_.push_back(place);
    changed_.notify_all();
  }

  void OnPreview(JobPreview preview) override {
    MutexLock lock(mutex_);
    previews_.push_back(std::move(preview));
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
    while (places_.empty()) lock.Wait(changed_);
    return places_.front().rows_ahead;
  }

  // Waits until so many places in the queue were told.
  std::vector<QueuePlace> AwaitPlaces(std::size_t count) {
    MutexLock lock(mutex_);
    while (places_.size() < count) lock.Wait(changed_);
    return places_;
  }

  // Waits for the end. The outcome can be taken once.
  absl::StatusOr<UpscaleOutcome> AwaitOutcome() {
    MutexLock lock(mutex_);
    while (outcomes_.empty()) lock.Wait(changed_);
    return std::move(outcomes_.front());
  }

  PictureSize input() const {
    MutexLock lock(mutex_);
    return accepted_.input;
  }
  AcceptedPicture accepted() const {
    MutexLock lock(mutex_);
    return accepted_;
  }
  std::vector<JobPreview> previews() const {
    MutexLock lock(mutex_);
    return previews_;
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
  AcceptedPicture accepted_ ABSL_GUARDED_BY(mutex_);
  std::vector<QueuePlace> places_ ABSL_GUARDED_BY(mutex_);
  std::vector<JobPreview> previews_ ABSL_GUARDED_BY(mutex_);
  std::vector<JobProgress> progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::StatusOr<UpscaleOutcome>> outcomes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
