#include "worker/scheduler/decoded_rows.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/delay_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/scheduler/step_loop_fixture.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CountingObserver;
using test::DelayEngine;
using test::IsOk;
using test::RowMaker;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;

// A finished row whose picture is in two bands of three tiles each.
class DecodedRowsTest : public test::StepLoopFixture {
 protected:
  static constexpr int kWidth = Wide(3);
  static constexpr int kHeight = 2 * kTileSide;

  DecodedRowsTest() {
    script_.encodes_in_parts = false;
    script_.decode = 4s;
  }

  // The row's picture; none of it is decoded.
  PictureRows& Finish(const RowMaker::Wish& wish) {
    Push({wish});
    while (maker_.answered() == 0) {
      Run(1);
      Decode();
    }
    EXPECT_THAT(maker_.result(wish.seed), IsOk());
    decodes_at_once_ = true;
    return *std::get<std::unique_ptr<PictureRows>>(maker_.result(wish.seed)->output);
  }

  static RowMaker::Wish Large() {
    return {.seed = 1, .width = kWidth, .height = kHeight, .tile_side = kTileSide, .steps = 2};
  }

  static constexpr BatchKey kTile = {.width = kTileSide, .height = kTileSide, .guided = false};
};

TEST_F(DecodedRowsTest, ComeBandByBandFromTheTop) {
  PictureRows& rows = Finish(Large());

  const absl::StatusOr<Image> upper = rows.Next();
  const absl::StatusOr<Image> lower = rows.Next();

  EXPECT_EQ(rows.width(), 2 * kWidth);
  EXPECT_EQ(rows.height(), 2 * kHeight);
  ASSERT_THAT(upper, IsOk());
  ASSERT_THAT(lower, IsOk());
  EXPECT_EQ(upper->height, kHeight);
  Image whole = *upper;
  whole.height += lower->height;
  whole.pixels.insert(whole.pixels.end(), lower->pixels.begin(), lower->pixels.end());
  EXPECT_EQ(whole, DelayEngine::Doubled(RowMaker::PictureOf(1, kWidth, kHeight)));
}

TEST_F(DecodedRowsTest, TakeTheirTimeWhenTheyAreAskedFor) {
  PictureRows& rows = Finish(Large());
  const TimePoint start = clock_.Now();

  ASSERT_THAT(rows.Next(), IsOk());
  EXPECT_EQ(clock_.Now() - start, 3 * script_.decode);
  EXPECT_THAT(observer_.heard().stages[Stage::kVaeDecode], IsEmpty());
  ASSERT_THAT(rows.Next(), IsOk());

  EXPECT_THAT(observer_.heard().stages[Stage::kVaeDecode], ElementsAre(6 * script_.decode));
  EXPECT_EQ(costs_.DecodeTime(kTile), script_.decode);
}

TEST_F(DecodedRowsTest, OtherRowsDecodingsComeBetween) {
  PictureRows& rows = Finish(Large());
  ASSERT_THAT(rows.Next(), IsOk());
  decodes_at_once_ = false;
  Push({{.seed = 2}});
  Run(1);
  decodes_at_once_ = true;
  EXPECT_EQ(maker_.answered(), 1U);

  ASSERT_THAT(rows.Next(), IsOk());

  ExpectDone(2);
}

TEST_F(DecodedRowsTest, OutliveTheLoopAndItsEngine) {
  PictureRows& rows = Finish(Large());

  loop_ = nullptr;

  EXPECT_THAT(rows.Next(), IsOk());
}

TEST_F(DecodedRowsTest, AreNotDecodedForARowThatIsCancelled) {
  PictureRows& rows = Finish(Large());
  ASSERT_THAT(rows.Next(), IsOk());
  const TimePoint start = clock_.Now();

  maker_.Cancel(1);

  EXPECT_THAT(rows.Next(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(clock_.Now(), start);
  EXPECT_EQ(observer_.heard().wasted_steps, 2);
}

TEST_F(DecodedRowsTest, AreNotDecodedForARowPastItsDeadline) {
  RowMaker::Wish wish = Large();
  wish.time_left = 20s;  // 12 passes and a band.
  PictureRows& rows = Finish(wish);
  ASSERT_THAT(rows.Next(), IsOk());

  EXPECT_THAT(rows.Next(), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(DecodedRowsTest, PassTheEnginesErrorOn) {
  PictureRows& rows = Finish(Large());

  script_.FailDecoding(1, absl::InternalError("bad convolution"));

  EXPECT_THAT(rows.Next(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(observer_.heard().wasted_steps, 2);
}

TEST_F(DecodedRowsTest, SayWhichSizeWouldFitWhereMemoryIsMissing) {
  PictureRows& rows = Finish(Large());

  script_.FailDecoding(1, absl::ResourceExhaustedError("out of memory"));

  const absl::Status status = rows.Next().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(status), Optional(Eq("OUT_OF_MEMORY")));
}

}  // namespace
}  // namespace upscaler
