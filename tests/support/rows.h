// Rows for tests of the queue and the scheduler, and what became of them.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/queue/row.h"

namespace upscaler::test {

// Makes rows and keeps every answer that they are given, by seed. Thread-safe.
class RowMaker {
 public:
  explicit RowMaker(const Clock& clock) : clock_(clock) {}

  struct Wish {
    std::uint64_t seed = 0;
    std::string prompt = "a cat";
    int width = 2;
    int steps = 1;
    double guidance_scale = 1;
  };

  // A row with ten seconds to live. Rows with the same seed should not exist at
  // the same time: the seed is their name in tests.
  Row Make(const Wish& wish) {
    auto token = std::make_shared<CancelToken>();
    MutexLock lock(mutex_);
    tokens_[wish.seed] = token;
    Image picture{.width = wish.width, .height = 1, .pixels = {}};
    picture.pixels.resize(Image::kChannels * static_cast<std::size_t>(wish.width));
    return Row{
        .spec = {.picture = std::make_shared<const Image>(std::move(picture)),
                 .prompt = wish.prompt,
                 .negative_prompt = "",
                 .guidance_scale = wish.guidance_scale,
                 .steps = wish.steps,
                 .seed = wish.seed},
        .deadline = clock_.Now() + std::chrono::seconds(10),
        .cancel = token,
        .progress = [this, seed = wish.seed](int steps_done) { Note(seed, steps_done); },
        .reply = Reply([this, seed = wish.seed](absl::StatusOr<RowResult> result) {
          Note(seed, std::move(result));
        }),
        .queued_at = {},
    };
  }

  void Cancel(std::uint64_t seed) {
    MutexLock lock(mutex_);
    tokens_.at(seed)->Cancel();
  }

  // The statuses that each row was answered with: exactly one, if all is well.
  std::map<std::uint64_t, std::vector<absl::Status>> answers() const {
    MutexLock lock(mutex_);
    std::map<std::uint64_t, std::vector<absl::Status>> statuses;
    for (const auto& [seed, results] : results_) {
      for (const auto& result : results) statuses[seed].push_back(result.status());
    }
    return statuses;
  }

  std::size_t answered() const {
    MutexLock lock(mutex_);
    return results_.size();
  }

  absl::StatusOr<RowResult> result(std::uint64_t seed) const {
    MutexLock lock(mutex_);
    return results_.at(seed).front();
  }

  // What the row's progress was called with.
  std::vector<int> progress(std::uint64_t seed) const {
    MutexLock lock(mutex_);
    const auto found = progress_.find(seed);
    return found == progress_.end() ? std::vector<int>() : found->second;
  }

 private:
  void Note(std::uint64_t seed, int steps_done) {
    MutexLock lock(mutex_);
    progress_[seed].push_back(steps_done);
  }
  void Note(std::uint64_t seed, absl::StatusOr<RowResult> result) {
    MutexLock lock(mutex_);
    results_[seed].push_back(std::move(result));
  }

  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<CancelToken>> tokens_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::vector<absl::StatusOr<RowResult>>> results_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::vector<int>> progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
