#include "server/device_memory_watch.h"

#include <utility>

namespace upscaler {

DeviceMemoryWatch::DeviceMemoryWatch(std::vector<std::string> devices, const EngineSource& engines,
                                     Metrics& metrics, std::chrono::milliseconds interval)
    : devices_(std::move(devices)),
      engines_(engines),
      metrics_(metrics),
      ticker_(interval, [this] { Look(); }) {
  Look();
}

bool DeviceMemoryWatch::Stop(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  MutexLock lock(mutex_);
  stopped_ = true;
  while (looks_ > 0 && lock.WaitUntil(looked_, end)) continue;
  return looks_ == 0;
}

void DeviceMemoryWatch::Look() {
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    ++looks_;
  }
  for (const std::string& device : devices_) {
    const DeviceMemory memory = engines_.MemoryOf(device);
    metrics_.SetDeviceMemory(device, {.used = memory.total - memory.free, .free = memory.free});
  }
  MutexLock lock(mutex_);
  --looks_;
  looked_.notify_all();
}

}  // namespace upscaler
