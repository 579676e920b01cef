#include "worker/queue/fair_share.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::Gt;
using ::testing::Lt;

// Virtual time is a sum of many quotients.
constexpr double kRounding = 1e-9;

class FairShareTest : public ::testing::Test {
 protected:
  FairShare share_;
};

TEST_F(FairShareTest, ARowAloneEndsWhenItsWorkIsDone) {
  const double finish = share_.Enter(2s);

  share_.Serve(2s);

  EXPECT_THAT(finish, DoubleEq(2));
  EXPECT_THAT(share_.virtual_time(), DoubleEq(2));
}

TEST_F(FairShareTest, RowsShareTheDeviceEqually) {
  share_.Enter(4s);
  share_.Enter(4s);

  share_.Serve(2s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(1));
}

TEST_F(FairShareTest, ARowThatEndsLeavesItsShareToTheOthersFromThenOn) {
  share_.Enter(1s);
  share_.Enter(3s);

  share_.Serve(3s);  // 1 s each, and another for the one that is left.

  EXPECT_THAT(share_.virtual_time(), DoubleEq(2));
}

TEST_F(FairShareTest, AShortRowThatComesLateStandsBeforeALongOneThatHasFarToGo) {
  const double long_row = share_.Enter(10s);
  share_.Serve(5s);

  const double short_row = share_.Enter(2s);
  const double longer_row = share_.Enter(6s);

  EXPECT_THAT(short_row, Lt(long_row));
  EXPECT_THAT(longer_row, Gt(long_row));
}

TEST_F(FairShareTest, ARowThatLeavesBeforeItsTimeGivesItsShareToTheOthers) {
  share_.Enter(4s);
  const double leaving = share_.Enter(4s);

  share_.Leave(leaving, /*left=*/4s);
  share_.Serve(2s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(2));
}

TEST_F(FairShareTest, WhatWasDoneForOthersInsteadOfARowThatLeavesTheyHaveHad) {
  share_.Enter(4s);
  const double leaving = share_.Enter(4s);
  share_.Serve(2s);  // For the first one, really.

  share_.Leave(leaving, /*left=*/4s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(2));
}

TEST_F(FairShareTest, WhatWasDoneForARowThatLeavesBeyondItsShareTheOthersAreOwed) {
  share_.Enter(4s);
  const double leaving = share_.Enter(4s);
  share_.Serve(2s);  // For the second one, really.

  share_.Leave(leaving, /*left=*/2s);

  share_.Serve(2s);  // As much as the two of them had before.
  EXPECT_THAT(share_.virtual_time(), DoubleEq(2));
  share_.Serve(2s);
  EXPECT_THAT(share_.virtual_time(), DoubleEq(4));
}

TEST_F(FairShareTest, ARowThatLeavesWhenItIsDoneChangesNothing) {
  const double done = share_.Enter(2s);
  share_.Enter(4s);
  share_.Serve(2s);

  share_.Leave(done, /*left=*/0s);
  share_.Serve(3s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(3));
}

TEST_F(FairShareTest, OfTwinsOnlyOneLeaves) {
  const double finish = share_.Enter(4s);
  share_.Enter(4s);
  share_.Enter(4s);

  share_.Leave(finish, /*left=*/4s);
  share_.Serve(2s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(1));
}

TEST_F(FairShareTest, ARowThatHadItsShareAndLeavesUnservedTakesNobodyElseAlong) {
  const double shared = share_.Enter(1s);
  share_.Enter(4s);
  share_.Serve(2s);  // For the second one, really.

  share_.Leave(shared, /*left=*/1s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(2));
  EXPECT_THAT(share_.Enter(1s), DoubleEq(3));
}

// Whatever rows do: when the real devices have nothing left to do, neither has the imagined one.
TEST_F(FairShareTest, HasNothingLeftToDoWhenTheDevicesHaveNot) {
  std::mt19937_64 random(1);
  std::vector<std::pair<double, std::chrono::milliseconds>> rows;  // Fair finish and work left.
  for (int event = 0; event < 10'000; ++event) {
    if (rows.size() < 20) {
      const auto work = std::chrono::milliseconds(1 + random() % 1000);
      rows.emplace_back(share_.Enter(work), work);
    }
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(random() % rows.size());
    const auto served = std::chrono::milliseconds(random() % 200);
    share_.Serve(std::min(served, row->second));
    row->second -= std::min(served, row->second);
    if (row->second == 0ms || random() % 10 == 0) {
      share_.Leave(row->first, row->second);
      rows.erase(row);
    }
  }
  for (const auto& [finish, left] : rows) share_.Leave(finish, left);
  const double before = share_.virtual_time();

  share_.Enter(1s);
  share_.Serve(1s);

  EXPECT_THAT(share_.virtual_time() - before, DoubleNear(1, 1e-6));
}

TEST_F(FairShareTest, TimeStandsStillWhereNobodyIsOwedAnything) {
  share_.Enter(1s);

  share_.Serve(5s);

  EXPECT_THAT(share_.virtual_time(), DoubleEq(1));
  EXPECT_THAT(share_.Enter(2s), DoubleEq(3));
}

TEST_F(FairShareTest, RowsWithoutKnownWorkTakeNothingFromTheOthers) {
  share_.Enter(4s);
  const double unknown = share_.Enter(0s);

  share_.Serve(4s);

  EXPECT_THAT(unknown, DoubleEq(0));
  EXPECT_THAT(share_.virtual_time(), DoubleEq(4));
}

// Against the definition: at every moment the work that is done is divided by those that
// still want some.
TEST_F(FairShareTest, AgreesWithServingEveryRowALittleAtATime) {
  std::mt19937_64 random(1);
  std::vector<std::pair<double, double>> rows;  // Fair finish, and milliseconds still wanted.
  for (int i = 0; i < 200; ++i) {
    const auto work = std::chrono::milliseconds(1 + random() % 1000);
    rows.emplace_back(share_.Enter(work), static_cast<double>(work.count()));
    double served = static_cast<double>(random() % 1000);
    share_.Serve(std::chrono::milliseconds(static_cast<int>(served)));
    while (served > kRounding) {
      double least = served;
      std::size_t sharers = 0;
      for (const auto& [finish, left] : rows) {
        if (left <= kRounding) continue;
        ++sharers;
        least = std::min(least, left);
      }
      if (sharers == 0) break;
      const double each = std::min(least, served / static_cast<double>(sharers));
      for (auto& [finish, left] : rows) {
        if (left > kRounding) left -= each;
      }
      served -= each * static_cast<double>(sharers);
    }

    for (const auto& [finish, left] : rows) {
      const double expected = std::max(0.0, left) / 1000;
      EXPECT_THAT(std::max(0.0, finish - share_.virtual_time()), DoubleNear(expected, 1e-6));
    }
  }
}

}  // namespace
}  // namespace upscaler
