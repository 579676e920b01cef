#include "worker/scheduler/warm_up.h"

#include <chrono>
#include <cstddef>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/delay_engine.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::DelayEngine;
using test::EngineScript;
using test::FakeClock;
using test::IsOk;
using test::StatusIs;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr int kSmallest = 64;

BatchKey Square(int side) { return {.width = side, .height = side, .guided = true}; }

class WarmUpTest : public ::testing::Test {
 protected:
  WarmUpTest() {
    script_.sides = {.multiple = 64, .minimum = kSmallest};
    script_.encode = 3ms;
    script_.step = [](std::size_t rows) { return 10ms * static_cast<int>(rows); };
    script_.decode = 5ms;
    script_.scale = [](const BatchKey& key) { return key.width * key.height / 4096.0; };
    script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
  }

  absl::Status WarmUp(const WarmUpOptions& options) {
    DelayEngine engine(script_);
    return MeasureCosts(engine, options, clock_, costs_);
  }

  // Everything measured, of squares up to 256.
  static constexpr WarmUpOptions kAll = {.max_pixels = 256 * 256, .budget = 1h};

  FakeClock clock_;
  EngineScript script_;
  CostModel costs_{/*max_batch=*/8};
};

TEST_F(WarmUpTest, FindsThatBatchesGainNothing) {
  ASSERT_THAT(WarmUp(kAll), IsOk());

  for (const int side : {64, 128, 256}) EXPECT_EQ(costs_.BatchCap(Square(side)), 1U) << side;
}

TEST_F(WarmUpTest, FindsThatEveryRowGains) {
  script_.step = [](std::size_t /*rows*/) { return 10ms; };

  ASSERT_THAT(WarmUp(kAll), IsOk());

  for (const int side : {64, 128, 256}) EXPECT_EQ(costs_.BatchCap(Square(side)), 8U) << side;
}

TEST_F(WarmUpTest, FindsHowManyRowsGain) {
  script_.step = [](std::size_t rows) {
    return 10ms * (rows <= 2 ? 1 : static_cast<int>(rows) / 2);
  };

  ASSERT_THAT(WarmUp(kAll), IsOk());

  for (const int side : {64, 128, 256}) EXPECT_EQ(costs_.BatchCap(Square(side)), 2U) << side;
}

TEST_F(WarmUpTest, FindsWhatThingsTakeForEachSize) {
  script_.scale = [](const BatchKey& key) { return key.width == 128 ? 7.0 : 1.0; };

  ASSERT_THAT(WarmUp(kAll), IsOk());

  EXPECT_EQ(costs_.EncodeTime(Square(128)), 21ms);
  EXPECT_EQ(costs_.StepTime(Square(128), 1), 70ms);
  EXPECT_EQ(costs_.DecodeTime(Square(128)), 35ms);
  EXPECT_EQ(costs_.StepTime(Square(256), 1), 10ms);
}

TEST_F(WarmUpTest, FindsHowManyRowsFitIntoMemory) {
  script_.step = [](std::size_t /*rows*/) { return 10ms; };
  script_.LimitRows(3);

  ASSERT_THAT(WarmUp(kAll), IsOk());

  for (const int side : {64, 128, 256}) EXPECT_EQ(costs_.BatchCap(Square(side)), 2U) << side;
  EXPECT_EQ(costs_.StepTime(Square(256), 1), 160ms);
}

TEST_F(WarmUpTest, LeavesOutPicturesThatDoNotFitIntoMemory) {
  script_.LimitPixels(128 * 128);

  ASSERT_THAT(WarmUp(kAll), IsOk());

  EXPECT_EQ(costs_.BatchCap(Square(128)), 1U);
  EXPECT_EQ(costs_.StepTime(Square(256), 1), 160ms);  // Scaled.
}

TEST_F(WarmUpTest, MeasuresNothingBeyondTheLargestPicture) {
  script_.scale = [](const BatchKey& key) { return key.width == 256 ? 1.0 : 0.0; };

  ASSERT_THAT(WarmUp({.max_pixels = 256 * 256 - 1, .budget = 1h}), IsOk());

  EXPECT_EQ(clock_.Now(), TimePoint());
}

TEST_F(WarmUpTest, KeepsItsBudget) {
  script_.encode = 0ms;
  script_.step = [](std::size_t /*rows*/) { return 10ms; };
  for (const auto budget : {15ms, 50ms, 200ms, 500ms, 1000ms, 3000ms}) {
    const TimePoint start = clock_.Now();

    ASSERT_THAT(WarmUp({.max_pixels = 1 << 20, .budget = budget}), IsOk());

    EXPECT_THAT(clock_.Now() - start, Le(budget));
  }
}

TEST_F(WarmUpTest, WithoutABudgetMeasuresOneRowOfTheSmallestPicture) {
  ASSERT_THAT(WarmUp({.max_pixels = 1 << 20}), IsOk());

  EXPECT_THAT(script_.passes(), SizeIs(1));
  EXPECT_EQ(costs_.RowTime(Square(kSmallest), 2), 28ms);
}

TEST_F(WarmUpTest, MeasuresTheSmallestPictureEvenWhereNoneSoLargeIsAllowed) {
  ASSERT_THAT(WarmUp({.max_pixels = 1}), IsOk());

  EXPECT_EQ(costs_.RowTime(Square(kSmallest), 2), 28ms);
}

TEST_F(WarmUpTest, ReportsThatTheSmallestPictureCannotBeDone) {
  script_.FailPass({.seed = 0, .step = 1}, absl::InternalError("no kernel for this device"));

  EXPECT_THAT(WarmUp(kAll), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(WarmUpTest, ReportsThatTheSmallestPictureDoesNotFit) {
  script_.LimitPixels(64);

  EXPECT_THAT(WarmUp(kAll), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(WarmUpTest, ReportsThatTheSmallestPictureComesOutWrong) {
  script_.FailRow({.seed = 0, .step = 1}, absl::InternalError("not finite"));
  EXPECT_THAT(WarmUp(kAll), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(WarmUpTest, ReportsThatTheSmallestPictureIsNotDecoded) {
  script_.FailDecoding(/*seed=*/0, absl::InternalError("no memory format"));

  EXPECT_THAT(WarmUp(kAll), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(WarmUpTest, LeavesNothingInTheEngine) {
  DelayEngine engine(script_);

  ASSERT_THAT(MeasureCosts(engine, kAll, clock_, costs_), IsOk());

  EXPECT_EQ(script_.rows_inside(), 0U);
  EXPECT_THAT(script_.breaches(), IsEmpty());
}

}  // namespace
}  // namespace upscaler
