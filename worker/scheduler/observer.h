// What the worker tells of itself, for metrics. It knows no Prometheus; server/
// implements this over its counters.

#pragma once

#include <cstddef>
#include <string_view>

#include "common/clock.h"

namespace upscaler {

// Parts of the work that are timed one by one.
enum class Stage { kImageDecode, kText, kVaeEncode, kDenoise, kVaeDecode, kImageEncode };

// Where a row was when its caller went away.
enum class CancelStage { kQueued, kRunning, kDelivering };

// Thread-safe, as every implementation must be. Calls return at once.
class Observer {
 public:
  virtual ~Observer() = default;

  // A row left the queue for a replica.
  virtual void OnQueueWait(TimePoint::duration wait) = 0;
  virtual void OnStage(Stage stage, TimePoint::duration took) = 0;
  // One forward pass over `rows` rows was done.
  virtual void OnStep(std::size_t rows, TimePoint::duration took) = 0;
  virtual void OnTextCache(int hits, int misses) = 0;
  // A row ended because its caller went away.
  virtual void OnCancelled(CancelStage stage) = 0;
  // A row ended without a result after `steps` steps, which were for nothing.
  virtual void OnWastedSteps(int steps) = 0;
  // A forward pass found no memory on `device`.
  virtual void OnOutOfMemory(std::string_view device) = 0;
  // A replica on `device` takes work from now on, or does not.
  virtual void OnReplica(std::string_view device, bool up) = 0;
};

}  // namespace upscaler
