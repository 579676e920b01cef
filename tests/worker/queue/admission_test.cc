#include "worker/queue/admission.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Optional;

class AdmissionTest : public ::testing::Test {
 protected:
  Admission admission_{{.rows = 4, .bytes = 1000}};
};

TEST_F(AdmissionTest, AdmitsUpToItsBoundAndNoRowMore) {
  const absl::StatusOr<Reservation> first = admission_.Reserve(3, 0);
  const absl::StatusOr<Reservation> second = admission_.Reserve(1, 0);

  const absl::Status refusal = admission_.Reserve(1, 0).status();

  EXPECT_THAT(first, IsOk());
  EXPECT_THAT(second, IsOk());
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(refusal), Optional(Eq("QUEUE_FULL")));
  EXPECT_EQ(admission_.rows(), 4U);
}

TEST_F(AdmissionTest, AdmitsUpToItsBoundAndNoByteMore) {
  const absl::StatusOr<Reservation> first = admission_.Reserve(1, 999);
  const absl::StatusOr<Reservation> second = admission_.Reserve(1, 1);

  const absl::Status refusal = admission_.Reserve(1, 1).status();

  EXPECT_THAT(first, IsOk());
  EXPECT_THAT(second, IsOk());
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(refusal), Optional(Eq("QUEUE_FULL")));
  EXPECT_THAT(admission_.Reserve(1, 0), IsOk());
  EXPECT_EQ(admission_.bytes(), 1000);
}

TEST_F(AdmissionTest, ARequestThatIsRefusedTakesNothing) {
  const absl::StatusOr<Reservation> held = admission_.Reserve(3, 900);

  EXPECT_THAT(admission_.Reserve(2, 10), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(admission_.Reserve(1, 200), StatusIs(absl::StatusCode::kResourceExhausted));

  EXPECT_EQ(admission_.rows(), 3U);
  EXPECT_EQ(admission_.bytes(), 900);
}

TEST_F(AdmissionTest, RefusesForGoodWhatCanNeverFit) {
  const absl::Status many = admission_.Reserve(5, 0).status();
  const absl::Status large = admission_.Reserve(1, 1001).status();

  EXPECT_THAT(many, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(many.message(), HasSubstr("5 pictures"));
  EXPECT_THAT(large, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(large), Optional(Eq("image")));
}

TEST_F(AdmissionTest, GivesPlacesBackWhenTheReservationEnds) {
  { const absl::StatusOr<Reservation> held = admission_.Reserve(4, 1000); }

  EXPECT_EQ(admission_.rows(), 0U);
  EXPECT_EQ(admission_.bytes(), 0);
  EXPECT_THAT(admission_.Reserve(4, 1000), IsOk());
}

TEST_F(AdmissionTest, AReservationThatIsMovedIsGivenBackOnce) {
  {
    Reservation first = admission_.Reserve(2, 10).value();
    const Reservation second = std::move(first);

    EXPECT_EQ(second.rows(), 2U);
    EXPECT_EQ(second.bytes(), 10);
    EXPECT_EQ(admission_.rows(), 2U);
  }
  EXPECT_EQ(admission_.rows(), 0U);
  EXPECT_EQ(admission_.bytes(), 0);
}

TEST_F(AdmissionTest, AReservationGrowsAndShrinks) {
  {
    Reservation reservation = admission_.Reserve(1, 100).value();

    EXPECT_THAT(reservation.Resize(1000), IsOk());
    EXPECT_EQ(admission_.bytes(), 1000);
    EXPECT_THAT(reservation.Resize(300), IsOk());
    EXPECT_EQ(admission_.bytes(), 300);
  }
  EXPECT_EQ(admission_.bytes(), 0);
}

TEST_F(AdmissionTest, AReservationDoesNotGrowIntoWhatOthersHold) {
  const Reservation other = admission_.Reserve(1, 600).value();
  Reservation reservation = admission_.Reserve(1, 100).value();

  const absl::Status refusal = reservation.Resize(401);

  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(reservation.bytes(), 100);
  EXPECT_EQ(admission_.bytes(), 700);
  EXPECT_THAT(reservation.Resize(400), IsOk());
}

TEST_F(AdmissionTest, AReservationThatCanNeverGrowSoMuchIsRefusedForGood) {
  const Reservation other = admission_.Reserve(1, 600).value();
  Reservation reservation = admission_.Reserve(1, 100).value();

  const absl::Status refusal = reservation.Resize(1001);

  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(refusal.message(), HasSubstr("1001 bytes"));
  EXPECT_EQ(reservation.bytes(), 100);
}

TEST_F(AdmissionTest, OnceClosedRefusesWithATimeAndKeepsWhatItAdmitted) {
  Reservation reservation = admission_.Reserve(1, 100).value();

  admission_.Close();
  admission_.Close();

  const absl::Status refusal = admission_.Reserve(1, 0).status();
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(ReasonOf(refusal), Optional(Eq("DRAINING")));
  EXPECT_TRUE(RetryAfterOf(refusal).has_value());
  EXPECT_EQ(admission_.rows(), 1U);
  EXPECT_THAT(reservation.Resize(200), IsOk());
}

TEST_F(AdmissionTest, IsExactWhateverManyThreadsDo) {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kRounds = 200;
  std::vector<std::size_t> admitted(kRounds);
  std::vector<std::int64_t> bytes(kRounds);
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::latch start(kThreads);
    std::latch counted(kThreads);
    std::atomic<std::size_t> rows = 0;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        const absl::StatusOr<Reservation> mine = admission_.Reserve(1, 10);
        if (mine.ok()) ++rows;
        counted.arrive_and_wait();  // All of them hold what they have.
      });
    }
    counted.wait();
    admitted[round] = rows;
    threads.clear();
    bytes[round] = admission_.bytes();
  }

  EXPECT_THAT(admitted, ::testing::Each(4));
  EXPECT_THAT(bytes, ::testing::Each(0));
  EXPECT_EQ(admission_.rows(), 0U);
}

TEST_F(AdmissionTest, NeverHoldsMoreThanItsBoundWhileManyComeAndGo) {
  constexpr int kThreads = 4;
  std::atomic<bool> exceeded = false;
  std::atomic<std::int64_t> held = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (std::int64_t n = 0; n < 5000; ++n) {
          absl::StatusOr<Reservation> mine = admission_.Reserve(1, 100 + 50 * i);
          if (!mine.ok()) continue;
          if (mine->Resize(100 + n % 500).ok()) {
            const std::int64_t bytes = mine->bytes();
            if (held.fetch_add(bytes) + bytes > 1000) exceeded = true;
            held.fetch_sub(bytes);
          }
        }
      });
    }
  }

  EXPECT_FALSE(exceeded);
  EXPECT_EQ(admission_.rows(), 0U);
  EXPECT_EQ(admission_.bytes(), 0);
}

TEST_F(AdmissionTest, RowsThatAreAnsweredLeaveTheirBytesUntilThoseAreDelivered) {
  absl::StatusOr<Reservation> done = admission_.Reserve(4, 600);
  ASSERT_THAT(done, IsOk());

  done->ReleaseRows();

  EXPECT_EQ(admission_.rows(), 0U);
  EXPECT_EQ(admission_.bytes(), 600);
  EXPECT_THAT(admission_.Reserve(4, 401), StatusIs(absl::StatusCode::kResourceExhausted));
  { const Reservation delivered = *std::move(done); }
  EXPECT_EQ(admission_.bytes(), 0);
}

}  // namespace
}  // namespace upscaler
