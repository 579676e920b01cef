#include "worker/engine/device_memory.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using ::testing::Eq;
using ::testing::Gt;
using ::testing::Optional;

constexpr std::int64_t kMib = std::int64_t{1} << 20;
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

TEST(AvailableMemoryTest, ReadsTheFieldInKib) {
  EXPECT_THAT(AvailableMemory("MemTotal:       24684084 kB\n"
                              "MemFree:        24360600 kB\n"
                              "MemAvailable:       2048 kB\n"
                              "Buffers:            7408 kB\n"),
              Optional(2 * kMib));
}

TEST(AvailableMemoryTest, SaysNothingWhereTheFieldIsMissing) {
  EXPECT_EQ(AvailableMemory(""), std::nullopt);
  EXPECT_EQ(AvailableMemory("MemFree: 2048 kB\n"), std::nullopt);
  EXPECT_EQ(AvailableMemory("MemAvailable: lots\n"), std::nullopt);
}

TEST(LeftInGroupTest, IsTheLimitLessTheUsage) {
  EXPECT_THAT(LeftInGroup("1000\n", "300\n", ""), Optional(700));
  EXPECT_THAT(LeftInGroup("1000\n", "1300\n", ""), Optional(0));
}

TEST(LeftInGroupTest, CountsTheIdlePageCacheAsFree) {
  const std::string version2 = "anon 250\nactive_file 10\ninactive_file 40\n";
  const std::string version1 = "inactive_file 1\ntotal_inactive_file 50\n";

  EXPECT_THAT(LeftInGroup("1000\n", "300\n", version2), Optional(740));
  EXPECT_THAT(LeftInGroup("1000\n", "300\n", version1), Optional(750));
}

TEST(LeftInGroupTest, SaysNothingWithoutALimitOrAUsage) {
  EXPECT_EQ(LeftInGroup("max\n", "300\n", ""), std::nullopt);
  EXPECT_EQ(LeftInGroup("", "300\n", ""), std::nullopt);
  EXPECT_EQ(LeftInGroup("1000\n", "", ""), std::nullopt);
}

// A machine's files, below a folder of their own.
class FreeHostBytesTest : public ::testing::Test {
 protected:
  std::int64_t Free() const { return FreeHostBytes(root_.path()); }
  std::int64_t Total() const { return TotalHostBytes(root_.path()); }

  const test::TemporaryFolder root_;
};

TEST_F(FreeHostBytesTest, IsTheMachinesWithoutGroups) {
  root_.Write("proc/meminfo", "MemAvailable: 4096 kB\n");

  EXPECT_EQ(Free(), 4 * kMib);
}

TEST_F(FreeHostBytesTest, IsTheGroupsWhereThatIsLess) {
  root_.Write("proc/meminfo", "MemAvailable: 4096 kB\n");
  root_.Write("proc/self/cgroup", "0::/jobs/one\n");
  root_.Write("sys/fs/cgroup/jobs/one/memory.max", "max\n");
  root_.Write("sys/fs/cgroup/jobs/one/memory.current", "100\n");
  root_.Write("sys/fs/cgroup/jobs/memory.max", "1000\n");
  root_.Write("sys/fs/cgroup/jobs/memory.current", "400\n");

  EXPECT_EQ(Free(), 600);
}

TEST_F(FreeHostBytesTest, ReadsTheFirstVersionToo) {
  root_.Write("proc/meminfo", "MemAvailable: 4096 kB\n");
  root_.Write("proc/self/cgroup", "4:memory:/one\n0::/\n");
  root_.Write("sys/fs/cgroup/memory/one/memory.limit_in_bytes", "1000\n");
  root_.Write("sys/fs/cgroup/memory/one/memory.usage_in_bytes", "400\n");
  root_.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root_.Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n");

  EXPECT_EQ(Free(), 600);
}

TEST_F(FreeHostBytesTest, FindsTheGroupThatAContainerSeesAsItsRoot) {
  root_.Write("proc/meminfo", "MemAvailable: 4096 kB\n");
  root_.Write("proc/self/cgroup", "4:memory:/docker/0123\n");  // The host's path; not there inside.
  root_.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
  root_.Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "400\n");

  EXPECT_EQ(Free(), 600);
}

TEST_F(FreeHostBytesTest, IsNotLimitedByWhatIsNotSaid) { EXPECT_EQ(Free(), kNoLimit); }

TEST_F(FreeHostBytesTest, KnowsWhatThereIsInAll) {
  EXPECT_EQ(Total(), kNoLimit);

  root_.Write("proc/meminfo", "MemTotal: 4096 kB\nMemAvailable: 1024 kB\n");
  EXPECT_EQ(Total(), 4 * kMib);

  root_.Write("proc/self/cgroup", "0::/jobs/one\n");
  root_.Write("sys/fs/cgroup/jobs/one/memory.max", "max\n");
  root_.Write("sys/fs/cgroup/jobs/memory.max", "1000\n");
  EXPECT_EQ(Total(), 1000);
}

TEST(FreeDeviceBytesTest, FindsMemoryOnThisMachine) {
  EXPECT_THAT(FreeDeviceBytes(c10::kCPU), Gt(kMib));
  EXPECT_THAT(FreeDeviceBytes(c10::kCPU), ::testing::Lt(kNoLimit));
}

TEST(FreeDeviceBytesTest, IsNothingOnADeviceThatDoesNotAnswer) {
  EXPECT_THAT(FreeDeviceBytes(c10::Device(c10::kCUDA, 100)), Eq(0));
}

}  // namespace
}  // namespace upscaler
