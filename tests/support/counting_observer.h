// An observer that keeps what it hears, for tests to look at.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "worker/scheduler/observer.h"

namespace upscaler::test {

// Thread-safe.
class CountingObserver final : public Observer {
 public:
  struct Heard {
    std::vector<TimePoint::duration> queue_waits;
    std::map<Stage, std::vector<TimePoint::duration>> stages;
    std::vector<std::size_t> batches;  // Rows of each step.
    int text_cache_hits = 0;
    int text_cache_misses = 0;
    std::map<CancelStage, int> cancelled;
    int wasted_steps = 0;
    std::vector<std::string> out_of_memory;              // Devices, in order.
    std::vector<std::pair<std::string, bool>> replicas;  // Devices and whether up, in order.
  };

  Heard heard() const {
    MutexLock lock(mutex_);
    return heard_;
  }

  void OnQueueWait(TimePoint::duration wait) override {
    MutexLock lock(mutex_);
    heard_.queue_waits.push_back(wait);
  }
  void OnStage(Stage stage, TimePoint::duration took) override {
    MutexLock lock(mutex_);
    heard_.stages[stage].push_back(took);
  }
  void OnStep(std::size_t rows, TimePoint::duration /*took*/) override {
    MutexLock lock(mutex_);
    heard_.batches.push_back(rows);
  }
  void OnTextCache(int hits, int misses) override {
    MutexLock lock(mutex_);
    heard_.text_cache_hits += hits;
    heard_.text_cache_misses += misses;
  }
  void OnCancelled(CancelStage stage) override {
    MutexLock lock(mutex_);
    ++heard_.cancelled[stage];
  }
  void OnWastedSteps(int steps) override {
    MutexLock lock(mutex_);
    heard_.wasted_steps += steps;
  }
  void OnOutOfMemory(std::string_view device) override {
    MutexLock lock(mutex_);
    heard_.out_of_memory.emplace_back(device);
  }
  void OnReplica(std::string_view device, bool up) override {
    MutexLock lock(mutex_);
    heard_.replicas.emplace_back(device, up);
  }

 private:
  mutable Mutex mutex_;
  Heard heard_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
