#include "worker/engine/cpu_threads.h"

#include <filesystem>
#include <string>
#include <thread>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <sched.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

TEST(CpuThreadsTest, DividesTheCoresAmongTheReplicas) {
  EXPECT_EQ(ThreadsPerReplica(/*wanted=*/0, /*cores=*/8, /*replicas=*/1), 8);
  EXPECT_EQ(ThreadsPerReplica(/*wanted=*/0, /*cores=*/8, /*replicas=*/3), 2);
}

TEST(CpuThreadsTest, GivesEachReplicaAtLeastOne) {
  EXPECT_EQ(ThreadsPerReplica(/*wanted=*/0, /*cores=*/2, /*replicas=*/3), 1);
  EXPECT_EQ(ThreadsPerReplica(/*wanted=*/0, /*cores=*/0, /*replicas=*/0), 1);
}

TEST(CpuThreadsTest, GivesWhatIsWantedWhateverTheMachineHas) {
  EXPECT_EQ(ThreadsPerReplica(/*wanted=*/5, /*cores=*/2, /*replicas=*/3), 5);
}

TEST(CpuThreadsTest, FindsACore) { EXPECT_GE(CpuCores(), 1); }

TEST(CpuThreadsTest, FindsNoMoreCoresThanItMayRunOn) {
  std::jthread([] {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(/*pid=*/0, sizeof(allowed), &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    CPU_ZERO(&allowed);
    CPU_SET(first, &allowed);
    ASSERT_EQ(::sched_setaffinity(/*pid=*/0, sizeof(allowed), &allowed), 0);

    EXPECT_EQ(CpuCores(), 1);
  }).join();
}

TEST(CpuThreadsTest, FindsNoMoreCoresThanItMayHaveTheTimeOf) {
  const test::TemporaryFolder root;
  const auto cores_with = [&root](const std::string& quota) {
    root.Write("proc/self/cgroup", "0::/\n");
    root.Write("sys/fs/cgroup/cpu.max", quota);
    return CpuCores(root.path());
  };
  const int all = CpuCores(/*root=*/"/nothing");

  EXPECT_EQ(cores_with("max 100000\n"), all);
  EXPECT_EQ(cores_with("100000000 100000\n"), all);
  EXPECT_EQ(cores_with("190000 100000\n"), 1);
  EXPECT_EQ(cores_with("20000 100000\n"), 1);
}

TEST(CpuThreadsTest, KeepsOneThreadsNumberFromAnother) {
  int kept = 0;

  std::jthread([&] {
    ComputeWithThreads(3);
    std::jthread([] { ComputeWithThreads(5); }).join();
    kept = at::get_num_threads();
  }).join();

  EXPECT_EQ(kept, 3);
}

}  // namespace
}  // namespace upscaler
