#include "server/access/quota.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

class QuotaUseTest : public ::testing::Test {
 protected:
  // How many calls are let in, one after the other and each ended at once, until one is not.
  int CallsLetIn(const std::string& caller, const Quota& quota) {
    int calls = 0;
    while (calls < 10'000 && use_.Enter(caller, quota).ok()) {
      use_.Leave(caller);
      ++calls;
    }
    return calls;
  }

  test::FakeClock clock_;
  QuotaUse use_{clock_};
};

TEST_F(QuotaUseTest, LetsEverythingInWithoutBounds) { EXPECT_EQ(CallsLetIn("one", {}), 10'000); }

TEST_F(QuotaUseTest, LetsATenthOfAMinuteInAtOnceAndAtLeastOneCall) {
  EXPECT_EQ(CallsLetIn("one", {.requests_per_minute = 60}), 6);
  EXPECT_EQ(CallsLetIn("two", {.requests_per_minute = 1}), 1);
}

TEST_F(QuotaUseTest, LetsCallsInAtTheRateAfterThat) {
  const Quota quota{.requests_per_minute = 60};
  CallsLetIn("one", quota);

  clock_.Advance(1s);
  EXPECT_EQ(CallsLetIn("one", quota), 1);
  clock_.Advance(3s);
  EXPECT_EQ(CallsLetIn("one", quota), 3);
  clock_.Advance(1h);
  EXPECT_EQ(CallsLetIn("one", quota), 6);
}

TEST_F(QuotaUseTest, SaysWhenTheNextCallIsLetIn) {
  const Quota quota{.requests_per_minute = 7};  // A token lasts no whole milliseconds.
  CallsLetIn("one", quota);
  clock_.Advance(1s);

  const absl::Status refusal = use_.Enter("one", quota);

  ASSERT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(refusal), "RATE_LIMITED");
  ASSERT_EQ(RetryAfterOf(refusal), 7572ms);  // 60 s / 7 - 1 s, upwards.
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("7 calls a minute"));
  clock_.Advance(*RetryAfterOf(refusal) - 1ms);
  EXPECT_EQ(CallsLetIn("one", quota), 0);
  clock_.Advance(1ms);
  EXPECT_EQ(CallsLetIn("one", quota), 1);
}

TEST_F(QuotaUseTest, CountsNoCallThatItRefuses) {
  const Quota quota{.requests_per_minute = 60};
  CallsLetIn("one", quota);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(use_.Enter("one", quota).ok());

  clock_.Advance(1s);

  EXPECT_EQ(CallsLetIn("one", quota), 1);
}

TEST_F(QuotaUseTest, LetsSoManyCallsInAtATime) {
  const Quota quota{.concurrent_calls = 2};
  ASSERT_THAT(use_.Enter("one", quota), IsOk());
  ASSERT_THAT(use_.Enter("one", quota), IsOk());

  const absl::Status refusal = use_.Enter("one", quota);

  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(refusal), "TOO_MANY_CALLS");
  EXPECT_EQ(RetryAfterOf(refusal), 1s);
  use_.Leave("one");
  EXPECT_THAT(use_.Enter("one", quota), IsOk());
}

TEST_F(QuotaUseTest, TakesNoTokenFromWhoHasTooManyCallsOpen) {
  const Quota quota{.requests_per_minute = 20, .concurrent_calls = 1};
  ASSERT_THAT(use_.Enter("one", quota), IsOk());
  EXPECT_EQ(ReasonOf(use_.Enter("one", quota)), "TOO_MANY_CALLS");
  use_.Leave("one");

  EXPECT_EQ(CallsLetIn("one", quota), 1);
}

TEST_F(QuotaUseTest, TakesNoPlaceFromWhoCallsTooOften) {
  const Quota quota{.requests_per_minute = 1, .concurrent_calls = 2};
  ASSERT_THAT(use_.Enter("one", quota), IsOk());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ReasonOf(use_.Enter("one", quota)), "RATE_LIMITED");

  clock_.Advance(1min);

  EXPECT_THAT(use_.Enter("one", quota), IsOk());
}

TEST_F(QuotaUseTest, CountsEachCallerByItself) {
  const Quota quota{.requests_per_minute = 1, .concurrent_calls = 1};
  ASSERT_THAT(use_.Enter("one", quota), IsOk());

  EXPECT_THAT(use_.Enter("two", quota), IsOk());
}

TEST_F(QuotaUseTest, AppliesANewRateToWhatWasUsedBefore) {
  EXPECT_EQ(CallsLetIn("one", {.requests_per_minute = 1}), 1);

  // Empty as before, but a token takes a second, not the minute that it took.
  const Quota faster{.requests_per_minute = 60};
  EXPECT_EQ(CallsLetIn("one", faster), 0);
  clock_.Advance(1s);
  EXPECT_EQ(CallsLetIn("one", faster), 1);
}

TEST_F(QuotaUseTest, ForgetsCallersThatAreGoneAndKeepsTheOthers) {
  const Quota quota{.requests_per_minute = 1};
  CallsLetIn("stays", quota);
  CallsLetIn("goes", quota);

  use_.KeepOnly({"stays", "new"});

  EXPECT_EQ(use_.size(), 1U);
  EXPECT_EQ(CallsLetIn("stays", quota), 0);
}

TEST_F(QuotaUseTest, KeepsACallerThatIsGoneUntilItsLastCallEnds) {
  ASSERT_THAT(use_.Enter("goes", {}), IsOk());
  ASSERT_THAT(use_.Enter("goes", {}), IsOk());
  use_.KeepOnly({});

  use_.Leave("goes");
  EXPECT_EQ(use_.size(), 1U);
  use_.Leave("goes");
  EXPECT_EQ(use_.size(), 0U);
}

TEST_F(QuotaUseTest, NeverLetsMoreInThanThereArePlacesWhenThreadsRace) {
  const Quota quota{.concurrent_calls = 3};
  std::atomic<int> open = 0;
  std::atomic<int> most = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&] {
        for (int call = 0; call < 2'000; ++call) {
          if (!use_.Enter("one", quota).ok()) continue;
          const int count = ++open;
          for (int seen = most; seen < count && !most.compare_exchange_weak(seen, count);) continue;
          --open;
          use_.Leave("one");
        }
      });
    }
  }

  EXPECT_LE(most, 3);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(use_.Enter("one", quota), IsOk());
  EXPECT_FALSE(use_.Enter("one", quota).ok());
}

}  // namespace
}  // namespace upscaler
