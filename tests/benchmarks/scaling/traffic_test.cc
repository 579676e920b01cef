#include "benchmarks/scaling/traffic.h"

#include <algorithm>
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler::benchmark {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::DoubleNear;
using ::testing::IsEmpty;

TEST(TrafficTest, ReadsRates) {
  const auto rates = ParseRates("0:1.5,60:3");

  ASSERT_THAT(rates, IsOk());
  ASSERT_EQ(rates->size(), 2);
  EXPECT_EQ((*rates)[1].at, 60s);
  EXPECT_EQ((*rates)[1].rate, 3);
}

TEST(TrafficTest, RefusesRatesThatAreNone) {
  for (const char* text : {"", "0:1", "1:1,2:1", "0:1,0:1", "0:1,5:-1", "0:1,5:1x", "0:1,5"}) {
    EXPECT_THAT(ParseRates(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(TrafficTest, AsManyComeAsTheRatesSay) {
  // 1000 while the rate rises, 1000 at its top.
  const auto arrivals =
      Arrivals({{.at = 0s, .rate = 0}, {.at = 100s, .rate = 20}, {.at = 150s, .rate = 20}}, 1);

  const auto early =
      std::ranges::count_if(arrivals, [](TimePoint moment) { return moment < TimePoint() + 100s; });
  EXPECT_TRUE(std::ranges::is_sorted(arrivals));
  EXPECT_THAT(static_cast<double>(early), DoubleNear(1000, 100));
  EXPECT_THAT(static_cast<double>(arrivals.size()), DoubleNear(2000, 150));
}

TEST(TrafficTest, NobodyComesAtARateOfNothing) {
  EXPECT_THAT(Arrivals({{.at = 0s, .rate = 0}, {.at = 100s, .rate = 0}}, 1), IsEmpty());
}

}  // namespace
}  // namespace upscaler::benchmark
