// Jobs without a worker, for tests of what keeps them.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "server/jobs/job.h"
#include "server/jobs/job_store.h"
#include "server/jobs/system_time.h"

namespace upscaler::test {

// A time of day that stands still until a test moves it. Thread-safe.
class FakeSystemClock {
 public:
  SystemTime Now() const {
    MutexLock lock(mutex_);
    return now_;
  }
  void Advance(std::chrono::nanoseconds by) {
    MutexLock lock(mutex_);
    now_ += by;
  }

 private:
  mutable Mutex mutex_;
  SystemTime now_ ABSL_GUARDED_BY(mutex_){std::chrono::hours(24 * 365 * 55)};
};

// Different ids: 32 hexadecimal digits that count from 1, or from another number.
inline std::function<std::string()> CountingIds(int first = 1) {
  return [next = std::make_shared<std::atomic<int>>(first)] {
    return fmt::format("{:032x}", next->fetch_add(1));
  };
}

inline v1::UpscaleStreamResponse AcceptedEvent() {
  v1::UpscaleStreamResponse event;
  event.mutable_accepted()->mutable_input_size()->set_width(8);
  event.mutable_accepted()->mutable_output_size()->set_width(16);
  return event;
}

inline v1::UpscaleStreamResponse ProgressEvent(std::uint32_t step) {
  v1::UpscaleStreamResponse event;
  event.mutable_progress()->set_step(step);
  event.mutable_progress()->set_fraction(step / 100.0);
  return event;
}

// The result whose pictures have these bytes.
inline JobResult ResultWith(std::vector<std::string> pictures) {
  JobResult result;
  for (const std::string& picture : pictures) {
    v1::UpscaleStreamResponse::ImageHeader header;
    header.set_index(static_cast<std::uint32_t>(result.images.size()));
    header.set_total_bytes(picture.size());
    result.images.push_back(header);
  }
  result.pictures = std::move(pictures);
  return result;
}

// Lets a test wait until a job stands as it should. Thread-safe.
class JobAwaiter final : public JobWatcher {
 public:
  void OnChange() override {
    MutexLock lock(mutex_);
    ++changes_;
    changed_.notify_all();
  }

  int changes() const {
    MutexLock lock(mutex_);
    return changes_;
  }

  // Returns when `condition` holds, which may only become so by a change of `job`.
  template <typename Condition>
  static void Await(const std::shared_ptr<Job>& job, Condition condition) {
    const auto awaiter = std::make_shared<JobAwaiter>();
    ASSERT_TRUE(job->Watch(awaiter).ok());
    for (int seen = 0; !condition();) seen = awaiter->AwaitAfter(seen);
  }

 private:
  int AwaitAfter(int seen) {
    MutexLock lock(mutex_);
    while (changes_ <= seen) lock.Wait(changed_);
    return changes_;
  }

  mutable Mutex mutex_;
  std::condition_variable changed_;
  int changes_ ABSL_GUARDED_BY(mutex_) = 0;
};

inline void AwaitAdmission(const std::shared_ptr<Job>& job) {
  JobAwaiter::Await(job, [&] { return job->admission().has_value(); });
}

// Also true of a job that is gone.
inline absl::Status AwaitEnd(const std::shared_ptr<Job>& job) {
  const auto end = [&] { return job->After(job->Describe().last_sequence()).end; };
  JobAwaiter::Await(job, [&] { return end().has_value(); });
  return *end();
}

}  // namespace upscaler::test
