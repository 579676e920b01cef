#include "common/thread_pool.h"

#include <atomic>
#include <latch>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;

TEST(ThreadPoolTest, RunsEverythingThatWasAddedBeforeItEnds) {
  std::atomic<int> runs = 0;
  {
    ThreadPool pool(3);
    for (int i = 0; i < 1000; ++i) pool.Add([&runs] { ++runs; });
  }

  EXPECT_EQ(runs, 1000);
}

TEST(ThreadPoolTest, RunsTheOldestFirst) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 4; ++i) pool.Add([&order, i] { order.push_back(i); });
  }

  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(ThreadPoolTest, RunsAsManyAtOnceAsItHasThreads) {
  std::latch all_inside(3);  // Opens only when three tasks run at once.
  ThreadPool pool(3);

  for (int i = 0; i < 3; ++i) pool.Add([&all_inside] { all_inside.arrive_and_wait(); });

  all_inside.wait();
}

TEST(ThreadPoolTest, RunsWhatTasksAddWhileItEnds) {
  std::atomic<int> runs = 0;
  {
    std::latch ending(1);
    ThreadPool pool(2);
    pool.Add([&] {
      ending.wait();
      for (int i = 0; i < 10; ++i) {
        pool.Add([&] {
          ++runs;
          pool.Add([&runs] { ++runs; });
        });
      }
    });
    ending.count_down();
  }

  EXPECT_EQ(runs, 20);
}

TEST(ThreadPoolTest, HasRunEverythingOnceItIsClosedAndTakesNoMore) {
  std::atomic<int> runs = 0;
  ThreadPool pool(2);
  EXPECT_TRUE(pool.Add([&runs] { ++runs; }));

  pool.Close();

  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(pool.Add([&runs] { ++runs; }));
  pool.Close();
  EXPECT_EQ(runs, 1);
}

TEST(ThreadPoolTest, LetsAFinishedTaskGoAtOnce) {
  std::latch released(1);
  ThreadPool pool(1);

  // The latch opens when what the task holds is destroyed.
  std::shared_ptr<void> held(nullptr, [&released](void*) { released.count_down(); });
  pool.Add([held = std::move(held)] {});

  released.wait();
}

TEST(ThreadPoolTest, EndsWithoutATask) { const ThreadPool pool(2); }

}  // namespace
}  // namespace upscaler
