#include "worker/engine/cpu_threads.h"

#include <thread>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

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
