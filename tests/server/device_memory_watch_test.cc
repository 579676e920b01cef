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

using namespace std::chrono_literals;
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

class HangingDeviceTest : public ::testing::Test {
 protected:
  test::EngineScript script_;
  test::DelayEngines engines_{script_};
  Metrics metrics_{
      {.devices = {"cpu"}}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
};

TEST_F(HangingDeviceTest, LooksAgainAndAgainUntilItIsStopped) {
  DeviceMemoryWatch watch({"cpu"}, engines_, metrics_, 1ms);
  engines_.AwaitMemoryQuestions(5);

  EXPECT_TRUE(watch.Stop(1h));
}

TEST_F(HangingDeviceTest, IsNotWaitedForLongerThanItIsSaid) {
  DeviceMemoryWatch watch({"cpu"}, engines_, metrics_, 1ms);
  engines_.Hang();
  engines_.AwaitMemoryQuestions(engines_.memory_questions() + 1);

  EXPECT_FALSE(watch.Stop(1ms));

  engines_.Release();
  EXPECT_TRUE(watch.Stop(1h));
}

}  // namespace
}  // namespace upscaler
