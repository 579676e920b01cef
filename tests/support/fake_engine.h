// An engine without a model: it repeats every pixel and remembers its batches.

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>

#include "common/mutex.h"
#include "worker/scheduler/engine.h"

namespace upscaler::test {

class FakeEngine final : public Engine {
 public:
  // What happened, for the test to look at after the engine is gone, and what
  // shall go wrong. Thread-safe.
  class Script {
   public:
    // Steps of rows with `seed` fail with `error` from step number `step` on,
    // counted from 1.
    void FailStep(std::uint64_t seed, int step, absl::Status error) {
      MutexLock lock(mutex_);
      failing_steps_[seed] = {step, std::move(error)};
    }
    // Rows with this prompt are not admitted.
    void FailAdmit(std::string prompt, absl::Status error) {
      MutexLock lock(mutex_);
      failing_prompts_[std::move(prompt)] = std::move(error);
    }
    // Called before each step, on the replica's thread. Set before it starts.
    std::function<void()> before_step = [] {};

    // The seeds of the rows of each step, in order.
    std::vector<std::vector<std::uint64_t>> steps() const {
      MutexLock lock(mutex_);
      return steps_;
    }
    // Rows that were admitted and not dropped.
    std::size_t rows_inside() const {
      MutexLock lock(mutex_);
      return rows_inside_;
    }

   private:
    friend class FakeEngine;
    struct Failure {
      int step = 0;
      absl::Status error;
    };

    mutable Mutex mutex_;
    std::map<std::uint64_t, Failure> failing_steps_ ABSL_GUARDED_BY(mutex_);
    std::map<std::string, absl::Status> failing_prompts_ ABSL_GUARDED_BY(mutex_);
    std::vector<std::vector<std::uint64_t>> steps_ ABSL_GUARDED_BY(mutex_);
    std::size_t rows_inside_ ABSL_GUARDED_BY(mutex_) = 0;
  };

  // `script` must outlive the engine.
  explicit FakeEngine(Script& script) : script_(script) {}

  absl::StatusOr<std::vector<std::string>> Admit(RowId id, const RowSpec& spec) override {
    MutexLock lock(script_.mutex_);
    const auto failure = script_.failing_prompts_.find(spec.prompt);
    if (failure != script_.failing_prompts_.end()) return failure->second;
    rows_.emplace(id, FakeRow{.spec = spec});
    script_.rows_inside_ = rows_.size();
    if (spec.prompt == "too long") return std::vector<std::string>{"the prompt was cut"};
    return std::vector<std::string>();
  }

  std::vector<absl::Status> Step(std::span<const RowId> rows) override {
    script_.before_step();
    MutexLock lock(script_.mutex_);
    std::vector<std::uint64_t> seeds;
    std::vector<absl::Status> statuses;
    for (const RowId id : rows) {
      FakeRow& row = rows_.at(id);
      ++row.steps_done;
      seeds.push_back(row.spec.seed);
      const auto failure = script_.failing_steps_.find(row.spec.seed);
      const bool fails =
          failure != script_.failing_steps_.end() && row.steps_done >= failure->second.step;
      statuses.push_back(fails ? failure->second.error : absl::OkStatus());
    }
    script_.steps_.push_back(std::move(seeds));
    return statuses;
  }

  absl::StatusOr<Image> Finish(RowId id) override {
    const FakeRow& row = rows_.at(id);
    if (row.steps_done != row.spec.steps) return absl::InternalError("finished too early");
    return Doubled(*row.spec.picture);
  }

  void Drop(RowId id) override {
    MutexLock lock(script_.mutex_);
    rows_.erase(id);
    script_.rows_inside_ = rows_.size();
  }

  // Every pixel as a block of 2×2.
  static Image Doubled(const Image& image) {
    Image doubled{.width = 2 * image.width, .height = 2 * image.height, .pixels = {}};
    for (int y = 0; y < doubled.height; ++y) {
      for (int x = 0; x < doubled.width; ++x) {
        for (std::size_t c = 0; c < Image::kChannels; ++c) {
          const auto pixel = static_cast<std::size_t>(y / 2 * image.width + x / 2);
          doubled.pixels.push_back(image.pixels[pixel * Image::kChannels + c]);
        }
      }
    }
    return doubled;
  }

 private:
  struct FakeRow {
    RowSpec spec;
    int steps_done = 0;
  };

  Script& script_;
  std::map<RowId, FakeRow> rows_;
};

}  // namespace upscaler::test
