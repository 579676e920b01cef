// Rows for tests of the queue and the scheduler, and what became of them.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/imaging/image.h"
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
    int height = 1;
    int tile_side = 0;
    int steps = 1;
    double guidance_scale = 1;
    TimePoint::duration work{};
    TimePoint::duration decoding{};                  // Part of the work.
    std::optional<TimePoint::duration> time_left{};  // Until its deadline, if it has one.
  };

  // Rows with the same seed should not exist at the same time: the seed is their name in
  // tests.
  Row Make(const Wish& wish) {
    auto token = std::make_shared<CancelToken>();
    MutexLock lock(mutex_);
    tokens_[wish.seed] = token;
    return Row{
        .spec = {.picture =
                     std::make_shared<const Image>(PictureOf(wish.seed, wish.width, wish.height)),
                 .prompt = wish.prompt,
                 .negative_prompt = "",
                 .guidance_scale = wish.guidance_scale,
                 .steps = wish.steps,
                 .seed = wish.seed,
                 .tile_side = wish.tile_side},
        .deadline = wish.time_left.has_value() ? clock_.Now() + *wish.time_left : TimePoint::max(),
        .cancel = token,
        .progress = [this, seed = wish.seed](const RowAdvance& advance) { Note(seed, advance); },
        .reply = Reply([this, seed = wish.seed](absl::StatusOr<RowResult> result) {
          Note(seed, std::move(result));
        }),
        .work = wish.work,
        .decoding = wish.decoding,
    };
  }

  // The picture of the row with this seed, unlike the others'.
  static Image PictureOf(std::uint64_t seed, int width, int height = 1) {
    Image picture{.width = width, .height = height, .pixels = {}};
    for (std::size_t i = 0; i < Image::kChannels * static_cast<std::size_t>(width * height); ++i) {
      picture.pixels.push_back(static_cast<std::uint8_t>((seed >> (8 * (i % 8))) % 256));
    }
    return picture;
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

  // Waits until so many rows were answered.
  void AwaitAnswered(std::size_t rows) {
    MutexLock lock(mutex_);
    while (results_.size() < rows) lock.Wait(answered_);
  }

  // The rows that were answered, in the order of their first answers.
  std::vector<std::uint64_t> order() const {
    MutexLock lock(mutex_);
    return order_;
  }

  std::size_t answered() const {
    MutexLock lock(mutex_);
    return results_.size();
  }

  // Stays where it is.
  const absl::StatusOr<RowResult>& result(std::uint64_t seed) const {
    MutexLock lock(mutex_);
    return results_.at(seed).front();
  }

  // What the row's progress was called with.
  std::vector<RowAdvance> advances(std::uint64_t seed) const {
    MutexLock lock(mutex_);
    const auto found = advances_.find(seed);
    return found == advances_.end() ? std::vector<RowAdvance>() : found->second;
  }
  // The steps done of that.
  std::vector<int> progress(std::uint64_t seed) const {
    std::vector<int> steps;
    for (const RowAdvance& advance : advances(seed)) steps.push_back(advance.steps_done);
    return steps;
  }

 private:
  void Note(std::uint64_t seed, const RowAdvance& advance) {
    MutexLock lock(mutex_);
    advances_[seed].push_back(advance);
  }
  void Note(std::uint64_t seed, absl::StatusOr<RowResult> result) {
    MutexLock lock(mutex_);
    if (results_[seed].empty()) order_.push_back(seed);
    results_[seed].push_back(std::move(result));
    answered_.notify_all();
  }

  const Clock& clock_;
  mutable Mutex mutex_;
  std::condition_variable answered_;
  std::map<std::uint64_t, std::shared_ptr<CancelToken>> tokens_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::deque<absl::StatusOr<RowResult>>> results_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::uint64_t> order_ ABSL_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::vector<RowAdvance>> advances_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
