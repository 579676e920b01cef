#include "server/device_memory_watch.h"

#include <functional>
#include <utility>

namespace upscaler {
namespace {

std::function<void()> Look(std::vector<std::string> devices, const EngineSource& engines,
                           Metrics& metrics) {
  auto look = [devices = std::move(devices), &engines, &metrics] {
    for (const std::string& device : devices) {
      const DeviceMemory memory = engines.MemoryOf(device);
      metrics.SetDeviceMemory(device, {.used = memory.total - memory.free, .free = memory.free});
    }
  };
  look();
  return look;
}

}  // namespace

DeviceMemoryWatch::DeviceMemoryWatch(std::vector<std::string> devices, const EngineSource& engines,
                                     Metrics& metrics, std::chrono::milliseconds interval)
    : ticker_(interval, Look(std::move(devices), engines, metrics)) {}

}  // namespace upscaler
