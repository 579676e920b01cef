#include "gateway/open_calls.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(OpenCallsTest, DoesNotEndBeforeItsCalls) {
  std::atomic<bool> ended = false;
  auto calls = std::make_unique<OpenCalls>();
  OpenCalls::Pass first = calls->Enter();
  OpenCalls::Pass second = calls->Enter();

  std::jthread other([&, first = std::move(first), second = std::move(second)]() mutable {
    first.reset();
    ended = true;
    second.reset();
  });
  calls.reset();

  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace upscaler
