#include "benchmarks/scaling/autoscaler.h"

#include <chrono>
#include <cstddef>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler::benchmark {
namespace {

using namespace std::chrono_literals;

class AutoscalerTest : public ::testing::Test {
 protected:
  // What is wanted `after` the start.
  std::size_t Desired(TimePoint::duration after, double sum, std::size_t servers) {
    return autoscaler_.Desired(TimePoint() + after, sum, servers);
  }

  Autoscaler autoscaler_{{.target = 4, .least = 1, .most = 20}};
};

TEST_F(AutoscalerTest, WantsSoManyServersThatNoneIsAboveTheTargetOnAverage) {
  EXPECT_EQ(Desired(0s, /*sum=*/9, /*servers=*/2), 3);
  EXPECT_EQ(Desired(15s, /*sum=*/12.1, /*servers=*/2), 4);
}

TEST_F(AutoscalerTest, LeavesThingsAsTheyAreNearTheTarget) {
  EXPECT_EQ(Desired(0s, /*sum=*/43, /*servers=*/10), 10);
  EXPECT_EQ(Desired(15s, /*sum=*/45, /*servers=*/10), 12);
}

TEST_F(AutoscalerTest, AddsNoMoreThanFourOrAsManyAsThereAreAtATime) {
  EXPECT_EQ(Desired(0s, /*sum=*/80, /*servers=*/1), 5);
  EXPECT_EQ(Desired(15s, /*sum=*/80, /*servers=*/5), 10);
  EXPECT_EQ(Desired(30s, /*sum=*/80, /*servers=*/10), 20);
}

TEST_F(AutoscalerTest, KeepsToItsBounds) {
  EXPECT_EQ(Desired(0s, /*sum=*/1000, /*servers=*/15), 20);
  EXPECT_EQ(Desired(400s, /*sum=*/0, /*servers=*/20), 1);
}

TEST_F(AutoscalerTest, TakesServersAwayOnlyAfterFiveMinutesOfLess) {
  Desired(0s, /*sum=*/40, /*servers=*/10);

  EXPECT_EQ(Desired(15s, /*sum=*/4, /*servers=*/10), 10);
  EXPECT_EQ(Desired(285s, /*sum=*/8, /*servers=*/10), 10);
  EXPECT_EQ(Desired(300s, /*sum=*/4, /*servers=*/10), 2);
}

TEST_F(AutoscalerTest, AtTheDeployedPaceDoublesOnceAMinute) {
  Autoscaler slow({.target = 4, .pace = kDeployedPace});

  EXPECT_EQ(slow.Desired(TimePoint() + 0s, /*sum=*/80, /*servers=*/2), 4);
  EXPECT_EQ(slow.Desired(TimePoint() + 45s, /*sum=*/80, /*servers=*/4), 4);
  EXPECT_EQ(slow.Desired(TimePoint() + 60s, /*sum=*/80, /*servers=*/4), 8);
}

TEST_F(AutoscalerTest, AtTheDeployedPaceTakesOneAwayEveryFiveMinutesAfterTen) {
  Autoscaler slow({.target = 4, .pace = kDeployedPace});
  slow.Desired(TimePoint() + 0s, /*sum=*/20, /*servers=*/5);

  EXPECT_EQ(slow.Desired(TimePoint() + 585s, /*sum=*/0, /*servers=*/5), 5);
  EXPECT_EQ(slow.Desired(TimePoint() + 600s, /*sum=*/0, /*servers=*/5), 4);
  EXPECT_EQ(slow.Desired(TimePoint() + 885s, /*sum=*/0, /*servers=*/4), 4);
  EXPECT_EQ(slow.Desired(TimePoint() + 900s, /*sum=*/0, /*servers=*/4), 3);
}

}  // namespace
}  // namespace upscaler::benchmark
