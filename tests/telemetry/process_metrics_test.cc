#include "telemetry/process_metrics.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Lt;

std::map<std::string, double> Read(const std::filesystem::path& proc) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : ProcessMetrics(proc)) {
    const prometheus::ClientMetric& metric = family.metric.front();
    values[family.name] =
        family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return values;
}

TEST(ProcessMetricsTest, ReadsWhatLinuxSays) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "self/fd");
  for (const char* file : {"0", "1", "2"}) std::ofstream(folder.path() / "self/fd" / file);
  // A program may be called what it likes.
  std::ofstream(folder.path() / "self/stat")
      << "42 (up) scaler) S 1 42 42 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 7 0 1200 8192000 25 18";
  std::ofstream(folder.path() / "self/limits")
      << "Limit                     Soft Limit           Hard Limit           Units\n"
         "Max open files            1024                 524288               files\n";
  std::ofstream(folder.path() / "stat") << "cpu  1 2 3\nbtime 1700000000\nprocesses 9\n";

  const std::map<std::string, double> values = Read(folder.path());

  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(values.at("process_cpu_seconds_total"), 300 / ticks);
  EXPECT_DOUBLE_EQ(values.at("process_start_time_seconds"), 1'700'000'000 + 1200 / ticks);
  EXPECT_EQ(values.at("process_virtual_memory_bytes"), 8'192'000);
  EXPECT_EQ(values.at("process_resident_memory_bytes"), 25 * sysconf(_SC_PAGESIZE));
  EXPECT_EQ(values.at("process_open_fds"), 3);
  EXPECT_EQ(values.at("process_max_fds"), 1024);
}

TEST(ProcessMetricsTest, SaysNothingOfWhatItCannotRead) {
  const test::TemporaryFolder folder;

  EXPECT_THAT(Read(folder.path()), IsEmpty());
}

TEST(ProcessMetricsTest, KnowsThisProcess) {
  const std::map<std::string, double> values = Read("/proc");

  EXPECT_THAT(values,
              ElementsAre(Key("process_cpu_seconds_total"), Key("process_max_fds"),
                          Key("process_open_fds"), Key("process_resident_memory_bytes"),
                          Key("process_start_time_seconds"), Key("process_virtual_memory_bytes")));
  EXPECT_THAT(values.at("process_resident_memory_bytes"),
              AllOf(Gt(1 << 20), Lt(values.at("process_virtual_memory_bytes"))));
}

}  // namespace
}  // namespace upscaler
