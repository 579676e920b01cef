#include "worker/scheduler/computing_thread.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;

TEST(ComputingThreadTest, CallsAndDecodesOnOneThreadOfItsOwn) {
  std::thread::id caller;
  std::thread::id decoder;
  {
    ComputingThread thread;
    thread.Add([&] { decoder = std::this_thread::get_id(); });
    thread.Call([&] { caller = std::this_thread::get_id(); });
  }

  EXPECT_EQ(caller, decoder);
  EXPECT_NE(caller, std::this_thread::get_id());
}

TEST(ComputingThreadTest, ReturnsAfterTheCall) {
  ComputingThread thread;
  int calls = 0;

  for (int i = 0; i < 1000; ++i) {
    thread.Call([&] { ++calls; });
    ASSERT_EQ(calls, i + 1);
  }
}

TEST(ComputingThreadTest, DecodesTheOldestFirstAndAllBeforeItEnds) {
  std::vector<int> order;
  {
    ComputingThread thread;
    for (int i = 0; i < 4; ++i) thread.Add([&order, i] { order.push_back(i); });
  }

  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(ComputingThreadTest, DecodesBetweenTwoCalls) {
  std::vector<std::string> order;
  ComputingThread thread;

  thread.Call([&] {
    order.emplace_back("call");
    thread.Add([&order] { order.emplace_back("decoding"); });
  });
  thread.Call([&] { order.emplace_back("call"); });

  EXPECT_THAT(order, ElementsAre("call", "decoding", "call"));
}

TEST(ComputingThreadTest, CallsThoughThereIsAlwaysSomethingToDecode) {
  std::atomic<bool> called = false;
  std::function<void()> decode_on;  // Before the thread, which decodes until it ends.
  ComputingThread thread;
  decode_on = [&] {
    if (!called) thread.Add([&decode_on] { decode_on(); });
  };
  for (int i = 0; i < 3; ++i) thread.Add([&decode_on] { decode_on(); });

  thread.Call([&called] { called = true; });

  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace upscaler
