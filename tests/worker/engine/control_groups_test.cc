#include "worker/engine/control_groups.h"

#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST(ControlGroupsTest, FindsTheGroupOfEitherVersionAndThoseAroundIt) {
  const ControlGroups groups =
      ControlGroupsOf("4:memory:/a/b\n1:cpu:/c\n0::/d\n", "memory", "/sys");

  EXPECT_THAT(groups.version2, ElementsAre("/sys/d", "/sys"));
  EXPECT_THAT(groups.version1, ElementsAre("/sys/memory/a/b", "/sys/memory/a", "/sys/memory"));
}

TEST(ControlGroupsTest, ReadsTheRootAndControllersThatShareAHierarchy) {
  const ControlGroups groups = ControlGroupsOf("7:cpu,memory:/\n0::/\n", "memory", "/sys");

  EXPECT_THAT(groups.version2, ElementsAre("/sys"));
  EXPECT_THAT(groups.version1, ElementsAre("/sys/memory"));
}

TEST(ControlGroupsTest, FindsNoneInWhatItCannotRead) {
  EXPECT_THAT(ControlGroupsOf("", "memory", "/sys").version2, IsEmpty());
  EXPECT_THAT(ControlGroupsOf("0:\nmemory\n", "memory", "/sys").version1, IsEmpty());
}

// A machine's files, below a folder of their own.
class CpuQuotaTest : public ::testing::Test {
 protected:
  std::optional<double> Quota() const { return CpuQuota(root_.path()); }

  const test::TemporaryFolder root_;
};

TEST_F(CpuQuotaTest, IsTheTimeInAPeriod) {
  root_.Write("proc/self/cgroup", "0::/jobs\n");
  root_.Write("sys/fs/cgroup/jobs/cpu.max", "150000 100000\n");

  EXPECT_THAT(Quota(), Optional(1.5));
}

TEST_F(CpuQuotaTest, IsTheLeastOfTheGroupsAround) {
  root_.Write("proc/self/cgroup", "0::/jobs/one\n");
  root_.Write("sys/fs/cgroup/jobs/one/cpu.max", "max 100000\n");
  root_.Write("sys/fs/cgroup/jobs/cpu.max", "400000 100000\n");
  root_.Write("sys/fs/cgroup/cpu.max", "800000 100000\n");

  EXPECT_THAT(Quota(), Optional(4));
}

TEST_F(CpuQuotaTest, ReadsTheFirstVersionToo) {
  root_.Write("proc/self/cgroup", "3:cpu,cpuacct:/one\n0::/\n");
  root_.Write("sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "250000\n");
  root_.Write("sys/fs/cgroup/cpu/one/cpu.cfs_period_us", "50000\n");
  root_.Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root_.Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");

  EXPECT_THAT(Quota(), Optional(5));
}

TEST_F(CpuQuotaTest, IsNoneWhereNothingLimits) {
  EXPECT_EQ(Quota(), std::nullopt);

  root_.Write("proc/self/cgroup", "3:cpu:/\n0::/\n");
  root_.Write("sys/fs/cgroup/cpu.max", "max 100000\n");
  root_.Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root_.Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), std::nullopt);
}

TEST_F(CpuQuotaTest, IsNoneWhereItCannotBeRead) {
  root_.Write("proc/self/cgroup", "0::/\n");
  for (const std::string text : {"", "100000\n", "lots 100000\n", "100000 0\n", "1 2 3\n"}) {
    root_.Write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(Quota(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace upscaler
