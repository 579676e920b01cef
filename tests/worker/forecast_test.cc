#include "worker/forecast.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::RowMaker;

class ForecastTest : public ::testing::Test {
 protected:
  // A request with so much work is admitted and waits.
  void Admit(std::uint64_t seed, TimePoint::duration work) {
    reservations_.push_back(admission_.Reserve(1, 0).value());
    std::vector<Row> rows;
    rows.push_back(maker_.Make({.seed = seed, .work = work}));
    queue_.Push(std::move(rows));
  }

  FakeClock clock_;
  RowMaker maker_{clock_};
  Admission admission_{{}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/4};
  std::size_t replicas_ = 1;
  const Forecast forecast_{admission_, queue_, costs_, [this] { return replicas_; }};
  std::vector<Reservation> reservations_;
};

TEST_F(ForecastTest, ARowAloneTakesItsWork) { EXPECT_EQ(forecast_.UntilDone(7s, 1), 7s); }

TEST_F(ForecastTest, ARowWaitsForTheWorkThatGoesBeforeIt) {
  Admit(1, 5s);
  Admit(2, 20s);  // Longer, so it comes after.

  EXPECT_EQ(forecast_.UntilDone(7s, 1), 5s + 7s);
}

TEST_F(ForecastTest, RowsOfOneRequestWaitForEachOther) {
  EXPECT_EQ(forecast_.UntilDone(7s, 3), 21s);
}

TEST_F(ForecastTest, ReplicasShareTheWorkButNotTheRow) {
  Admit(1, 5s);
  Admit(2, 5s);
  replicas_ = 2;

  EXPECT_EQ(forecast_.UntilDone(7s, 1), 5s + 7s);
}

TEST_F(ForecastTest, BatchesThatGainShortenTheWait) {
  const BatchKey key = {.width = 64, .height = 64, .guided = false};
  costs_.NoteStep(key, /*rows=*/1, 1s);
  for (int i = 0; i < 100; ++i) costs_.NoteStep(key, /*rows=*/4, 2s);  // Twice as fast.
  Admit(1, 6s);

  const TimePoint::duration until = forecast_.UntilDone(7s, 1);

  EXPECT_NEAR(std::chrono::duration<double>(until).count(), 3 + 7, 0.01);
}

TEST_F(ForecastTest, ThereIsRoomWhenTheFirstRowsOfManyAreDone) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) Admit(seed, 10s);

  EXPECT_EQ(forecast_.UntilRoom(1), 10s);
  EXPECT_EQ(forecast_.UntilRoom(2), 20s);
  EXPECT_EQ(forecast_.UntilRoom(9), 40s);
}

TEST_F(ForecastTest, WhereNothingIsKnownItSaysASecond) {
  reservations_.push_back(admission_.Reserve(1, 0).value());

  EXPECT_EQ(forecast_.UntilRoom(1), 1s);
}

}  // namespace
}  // namespace upscaler
