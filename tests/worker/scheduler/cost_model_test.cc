#include "worker/scheduler/cost_model.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Ge;

constexpr BatchKey kSmall = {.width = 64, .height = 64, .guided = false};
constexpr BatchKey kGuided = {.width = 64, .height = 64, .guided = true};
constexpr BatchKey kLarge = {.width = 256, .height = 256, .guided = false};

// How long a pass over so many rows takes.
using PassTime = std::function<TimePoint::duration(std::size_t rows)>;

TimePoint::duration Linear(std::size_t rows) { return 8ms * static_cast<int>(rows); }
TimePoint::duration Constant(std::size_t /*rows*/) { return 8ms; }
// No gain beyond four rows.
TimePoint::duration Knee(std::size_t rows) {
  return rows <= 4 ? 8ms : 2ms * static_cast<int>(rows);
}

class CostModelTest : public ::testing::Test {
 protected:
  // Steps batches of the size that the model asks for until it asks for no other. Answers
  // the sizes, each once.
  std::vector<std::size_t> Climb(const BatchKey& key, const PassTime& time) {
    std::vector<std::size_t> sizes;
    for (int steps = 0; steps < 20; ++steps) {
      const std::size_t rows = costs_.BatchCap(key);
      if (sizes.empty() || sizes.back() != rows) sizes.push_back(rows);
      costs_.NoteStep(key, rows, time(rows));
    }
    return sizes;
  }

  CostModel costs_{/*max_batch=*/16};
};

TEST_F(CostModelTest, StepsOneRowAtATimeWhereMoreGainNothing) {
  EXPECT_THAT(Climb(kSmall, Linear), ElementsAre(1, 2, 1));
}

TEST_F(CostModelTest, StepsAsManyRowsAsAllowedWhereEveryOneGains) {
  EXPECT_THAT(Climb(kSmall, Constant), ElementsAre(1, 2, 4, 8, 16));
}

TEST_F(CostModelTest, StepsNoMoreRowsThanGain) {
  EXPECT_THAT(Climb(kSmall, Knee), ElementsAre(1, 2, 4, 8, 4));
}

TEST_F(CostModelTest, PrefersTheSmallestBatchWithinFivePercentOfTheBest) {
  const PassTime time = [](std::size_t rows) {  // A row costs 100, 90, 88 and 87.
    const std::vector<int> row = {100, 90, 88, 87, 87};
    return std::chrono::milliseconds(row[rows == 1 ? 0 : rows / 4 + 1]) * static_cast<int>(rows);
  };

  Climb(kSmall, time);

  EXPECT_EQ(costs_.BatchCap(kSmall), 2U);
}

TEST_F(CostModelTest, ReachesAnyMaximum) {
  CostModel six(/*max_batch=*/6);
  CostModel one(/*max_batch=*/1);
  for (CostModel* costs : {&six, &one}) {
    for (int steps = 0; steps < 10; ++steps) {
      costs->NoteStep(kSmall, costs->BatchCap(kSmall), 8ms);
    }
  }

  EXPECT_EQ(six.BatchCap(kSmall), 6U);
  EXPECT_EQ(one.BatchCap(kSmall), 1U);
}

TEST_F(CostModelTest, MeasuresEachSizeOfPictureForItself) {
  Climb(kSmall, Constant);

  EXPECT_EQ(costs_.BatchCap(kLarge), 1U);
  Climb(kLarge, Linear);

  EXPECT_EQ(costs_.BatchCap(kSmall), 16U);
  EXPECT_EQ(costs_.BatchCap(kLarge), 1U);
}

TEST_F(CostModelTest, DoesNotTrustASingleStep) {
  costs_.NoteStep(kSmall, 1, 1h);  // Sets things up.

  EXPECT_EQ(costs_.BatchCap(kSmall), 1U);
  Climb(kSmall, Linear);
  EXPECT_EQ(costs_.BatchCap(kSmall), 1U);
}

TEST_F(CostModelTest, TriesALargerBatchNowAndThenInCaseItWasMeasuredInABadMoment) {
  costs_.NoteStep(kSmall, 1, 8ms);
  costs_.NoteStep(kSmall, 1, 8ms);
  costs_.NoteStep(kSmall, 2, 1min);
  costs_.NoteStep(kSmall, 2, 1min);
  ASSERT_EQ(costs_.BatchCap(kSmall), 1U);

  std::multiset<std::size_t> caps;
  for (int steps = 0; steps < 800; ++steps) {
    caps.insert(costs_.BatchCap(kSmall));
    costs_.NoteStep(kSmall, costs_.BatchCap(kSmall), Constant(1));
  }

  EXPECT_EQ(costs_.BatchCap(kSmall), 16U);
  EXPECT_THAT(caps.count(1), Ge(200U));  // Tries are few.
}

TEST_F(CostModelTest, TriesOfABatchThatGainsNothingAreFew) {
  Climb(kSmall, Linear);

  std::size_t larger = 0;
  for (int steps = 0; steps < 2560; ++steps) {
    const std::size_t rows = costs_.BatchCap(kSmall);
    if (rows > 1) ++larger;
    costs_.NoteStep(kSmall, rows, Linear(rows));
  }

  EXPECT_EQ(larger, 10U);
}

TEST_F(CostModelTest, StepsNoMoreRowsThanFitIntoMemory) {
  Climb(kSmall, Constant);

  costs_.NoteMemoryLimit(kSmall, 4);
  EXPECT_EQ(costs_.BatchCap(kSmall), 4U);
  costs_.NoteMemoryLimit(kSmall, 8);  // What is known stays known.
  EXPECT_EQ(costs_.BatchCap(kSmall), 4U);
  costs_.NoteMemoryLimit(kSmall, 0);
  EXPECT_EQ(costs_.BatchCap(kSmall), 1U);
}

TEST_F(CostModelTest, TriesNoBatchThatIsTooLargeForTheMemoryThereIs) {
  const auto row_bytes = [](const BatchKey& key) { return std::int64_t{key.width} * key.height; };
  const std::int64_t small = row_bytes(kSmall);
  costs_.LimitMemory(row_bytes, 3 * small + 1);

  EXPECT_THAT(Climb(kSmall, Constant), ElementsAre(1, 2, 3));
  EXPECT_THAT(Climb(kLarge, Constant), ElementsAre(1));  // Though that is too large as well.

  costs_.LimitMemory(row_bytes, 6 * small);
  EXPECT_THAT(Climb(kSmall, Constant), ElementsAre(4, 6));
}

TEST_F(CostModelTest, WhatDoesNotFitDoesNotFitForLargerPicturesEither) {
  Climb(kLarge, Constant);
  Climb(kSmall, Constant);

  costs_.NoteMemoryLimit(kSmall, 4);
  EXPECT_EQ(costs_.BatchCap(kLarge), 4U);

  costs_.NoteMemoryLimit(kLarge, 2);
  EXPECT_EQ(costs_.BatchCap(kLarge), 2U);
  EXPECT_EQ(costs_.BatchCap(kSmall), 4U);
}

TEST_F(CostModelTest, CapsThatWereTakenAwayStayAsTheyWere) {
  const auto caps = costs_.BatchCaps();

  Climb(kSmall, Constant);

  EXPECT_EQ(caps(kSmall), 1U);
  EXPECT_EQ(costs_.BatchCaps()(kSmall), 16U);
}

TEST_F(CostModelTest, EstimatesNothingBeforeAnythingIsMeasured) {
  EXPECT_EQ(costs_.EncodeTime(kSmall), 0s);
  EXPECT_EQ(costs_.StepTime(kSmall, 2), 0s);
  EXPECT_EQ(costs_.DecodeTime(kSmall), 0s);
  EXPECT_EQ(costs_.RowTime(kSmall, 20), 0s);
}

TEST_F(CostModelTest, EstimatesARowFromItsParts) {
  costs_.NoteEncode(kSmall, 3s);
  costs_.NoteStep(kSmall, 1, 2s);
  costs_.NoteDecode(kSmall, 4s);

  EXPECT_EQ(costs_.RowTime(kSmall, 10), 27s);
}

TEST_F(CostModelTest, ScalesWhatItKnowsToTheSizeAsked) {
  costs_.NoteEncode(kSmall, 1s);
  costs_.NoteStep(kSmall, 1, 1s);
  costs_.NoteDecode(kSmall, 1s);

  EXPECT_EQ(costs_.StepTime(kLarge, 1), 16s);
  EXPECT_EQ(costs_.StepTime(kGuided, 1), 2s);  // Two passes of the UNet.
  EXPECT_EQ(costs_.StepTime(kSmall, 3), 3s);
  EXPECT_EQ(costs_.EncodeTime(kLarge), 16s);
  EXPECT_EQ(costs_.EncodeTime(kGuided), 1s);
  EXPECT_EQ(costs_.DecodeTime(kLarge), 16s);
  EXPECT_EQ(costs_.DecodeTime(kGuided), 1s);
}

TEST_F(CostModelTest, EstimatesFromTheNearestSizeAndTheNearestBatch) {
  constexpr BatchKey kLarger = {.width = 512, .height = 256, .guided = false};
  costs_.NoteStep(kSmall, 1, 1s);
  costs_.NoteStep(kLarge, 1, 4s);
  costs_.NoteStep(kLarge, 4, 8s);

  EXPECT_EQ(costs_.StepTime(kLarger, 1), 8s);
  EXPECT_EQ(costs_.StepTime(kLarge, 3), 6s);
  EXPECT_EQ(costs_.StepTime(kLarge, 8), 16s);
}

TEST_F(CostModelTest, FollowsWhatThingsTakeLately) {
  for (int i = 0; i < 10; ++i) costs_.NoteStep(kSmall, 1, 1s);
  for (int i = 0; i < 30; ++i) costs_.NoteStep(kSmall, 1, 3s);

  EXPECT_THAT(std::chrono::duration<double>(costs_.StepTime(kSmall, 1)).count(),
              DoubleNear(3, 0.01));
}

TEST_F(CostModelTest, KnowsWhatBatchingGainsAtPresent) {
  EXPECT_EQ(costs_.Speedup(), 1);
  costs_.NoteStep(kSmall, 1, 8ms);
  for (int i = 0; i < 50; ++i) costs_.NoteStep(kSmall, 4, 8ms);
  EXPECT_THAT(costs_.Speedup(), DoubleNear(4, 0.01));

  for (int i = 0; i < 50; ++i) costs_.NoteStep(kSmall, 1, 8ms);
  EXPECT_THAT(costs_.Speedup(), DoubleNear(1, 0.01));

  for (int i = 0; i < 50; ++i) costs_.NoteStep(kSmall, 4, 100ms);  // Worse than alone.
  EXPECT_THAT(costs_.Speedup(), Ge(1));
}

}  // namespace
}  // namespace upscaler
