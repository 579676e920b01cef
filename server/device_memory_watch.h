// Looks, now and then, how much of each device's memory is in use.
//
// On a thread of its own: a device that hangs may not answer, and neither a scrape nor a probe
// waits for it.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/ticker.h"
#include "telemetry/metrics.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

class DeviceMemoryWatch {
 public:
  static constexpr std::chrono::seconds kInterval{5};

  // Looks now, and then every `interval`. `engines` and `metrics` must outlive it, and know the
  // devices.
  DeviceMemoryWatch(std::vector<std::string> devices, const EngineSource& engines, Metrics& metrics,
                    std::chrono::milliseconds interval = kInterval);

 private:
  const Ticker ticker_;
};

}  // namespace upscaler
