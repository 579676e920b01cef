#include "server/device_memory_watch.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"

namespace upscaler {
namespace {

using ::testing::HasSubstr;

TEST(DeviceMemoryWatchTest, ShowsEachDevicesMemoryAtOnce) {
  test::EngineScript script;
  const test::DelayEngines engines(script);
  Metrics metrics(
      {.devices = {"cpu", "cuda:0"}}, [] { return ServiceLoad(); }, std::chrono::system_clock::now);

  const DeviceMemoryWatch watch({"cpu", "cuda:0"}, engines, metrics);

  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  for (const std::string device : {"cpu", "cuda:0"}) {
    const std::string name = "upscaler_device_memory_bytes{device=\"" + device + "\",state=";
    EXPECT_THAT(text, HasSubstr(name + "\"free\"} 268435456\n"));
    EXPECT_THAT(text, HasSubstr(name + "\"used\"} 805306368\n"));
  }
}

}  // namespace
}  // namespace upscaler
