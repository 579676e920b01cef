// Looks, now and then, how much of each device's memory is in use.
//
// On a thread of its own: a device that hangs may not answer, and neither a scrape nor a probe
// waits for it.

#pragma once

#include <chrono>
#include <condition_variable>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "common/ticker.h"
#include "telemetry/metrics.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

// Thread-safe.
class DeviceMemoryWatch {
 public:
  static constexpr std::chrono::seconds kInterval{5};

  // Looks now, and then every `interval`. `engines` and `metrics` must outlive it, and know the
  // devices.
  DeviceMemoryWatch(std::vector<std::string> devices, const EngineSource& engines, Metrics& metrics,
                    std::chrono::milliseconds interval = kInterval);

  // Waits for a device that does not answer: see Stop.
  ~DeviceMemoryWatch() = default;

  DeviceMemoryWatch(const DeviceMemoryWatch&) = delete;
  DeviceMemoryWatch& operator=(const DeviceMemoryWatch&) = delete;

  // Looks no more. False if a device has not answered within `patience`: then this cannot be
  // destroyed either.
  bool Stop(std::chrono::milliseconds patience) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Look() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::vector<std::string> devices_;
  const EngineSource& engines_;
  Metrics& metrics_;

  Mutex mutex_;
  std::condition_variable looked_;
  int looks_ ABSL_GUARDED_BY(mutex_) = 0;  // That are being taken.
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it starts after, and ends before, everything it uses.
  Ticker ticker_;
};

}  // namespace upscaler
