#include "client/current_call.h"

#include <memory>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

class FakeCall final : public PendingCall {
 public:
  void Cancel() override { cancelled = true; }

  bool cancelled = false;
};

TEST(CurrentCallTest, EndsTheCallThatWasEnteredLast) {
  CurrentCall current;
  const auto first = std::make_shared<FakeCall>();
  const auto second = std::make_shared<FakeCall>();
  EXPECT_TRUE(current.Enter(first));
  EXPECT_TRUE(current.Enter(second));

  current.Cancel();

  EXPECT_FALSE(first->cancelled);
  EXPECT_TRUE(second->cancelled);
}

TEST(CurrentCallTest, EndsACallThatComesTooLateAndSaysSo) {
  CurrentCall current;
  const auto call = std::make_shared<FakeCall>();
  current.Cancel();

  EXPECT_FALSE(current.Enter(call));

  EXPECT_TRUE(call->cancelled);
}

}  // namespace
}  // namespace upscaler
