#include "worker/queue/row_queue.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::IsOk;
using test::RowMaker;
using test::StatusIs;
using ::testing::_;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;

class RowQueueTest : public ::testing::Test {
 protected:
  // Reserves a place and pushes one row.
  absl::Status Push(const RowMaker::Wish& wish) {
    absl::StatusOr<Reservation> reservation = queue_.Reserve(1);
    if (!reservation.ok()) return reservation.status();
    std::vector<Row> rows;
    rows.push_back(maker_.Make(wish));
    queue_.Push(*std::move(reservation), std::move(rows));
    return absl::OkStatus();
  }

  // Answers every row with success and returns their seeds.
  static std::vector<std::uint64_t> Seeds(std::vector<Row> rows) {
    std::vector<std::uint64_t> seeds;
    for (Row& row : rows) {
      seeds.push_back(row.spec.seed);
      std::move(row.reply).Send(RowResult{});
    }
    return seeds;
  }

  std::vector<std::uint64_t> Batch(std::size_t max_rows) {
    return Seeds(queue_.AwaitBatch(max_rows));
  }

  void AwaitIdleReplica() {
    while (queue_.idle_replicas() == 0) std::this_thread::yield();
  }

  FakeClock clock_;
  RowMaker maker_{clock_};
  RowQueue queue_{/*capacity=*/4, clock_};
};

TEST_F(RowQueueTest, HandsOutRowsOldestFirst) {
  ASSERT_THAT(Push({.seed = 1}), IsOk());
  ASSERT_THAT(Push({.seed = 2}), IsOk());

  EXPECT_THAT(Batch(1), ElementsAre(1));
  EXPECT_THAT(Batch(1), ElementsAre(2));
}

TEST_F(RowQueueTest, BatchesTheSamePromptFirstAndFillsUpWithOthers) {
  ASSERT_THAT(Push({.seed = 1, .prompt = "a cat"}), IsOk());
  ASSERT_THAT(Push({.seed = 2, .prompt = "a dog"}), IsOk());
  ASSERT_THAT(Push({.seed = 3, .prompt = "a cat"}), IsOk());
  ASSERT_THAT(Push({.seed = 4, .prompt = "a cow"}), IsOk());

  EXPECT_THAT(Batch(3), ElementsAre(1, 3, 2));
  EXPECT_THAT(Batch(3), ElementsAre(4));
}

TEST_F(RowQueueTest, NeverMixesKeys) {
  ASSERT_THAT(Push({.seed = 1, .width = 2}), IsOk());
  ASSERT_THAT(Push({.seed = 2, .width = 4}), IsOk());
  ASSERT_THAT(Push({.seed = 3, .width = 2, .guidance_scale = 8}), IsOk());
  ASSERT_THAT(Push({.seed = 4, .width = 2}), IsOk());

  EXPECT_THAT(Batch(8), ElementsAre(1, 4));
  EXPECT_THAT(Batch(8), ElementsAre(2));
  EXPECT_THAT(Batch(8), ElementsAre(3));
}

TEST_F(RowQueueTest, LetsRowsOfTheSameKeyJoin) {
  ASSERT_THAT(Push({.seed = 1, .prompt = "a dog"}), IsOk());
  ASSERT_THAT(Push({.seed = 2, .prompt = "a cat"}), IsOk());
  const BatchKey key{.width = 2, .height = 1, .guided = false};

  EXPECT_THAT(Seeds(queue_.TakeJoining(key, "a cat", 8)), ElementsAre(2, 1));
  EXPECT_THAT(Seeds(queue_.TakeJoining(key, "a cat", 8)), IsEmpty());
}

TEST_F(RowQueueTest, LetsNobodyJoinPastAnOlderRowOfAnotherKey) {
  ASSERT_THAT(Push({.seed = 1, .width = 4}), IsOk());
  ASSERT_THAT(Push({.seed = 2, .width = 2}), IsOk());
  const BatchKey running{.width = 2, .height = 1, .guided = false};

  EXPECT_THAT(Seeds(queue_.TakeJoining(running, "a cat", 8)), IsEmpty());
  EXPECT_THAT(Batch(8), ElementsAre(1));
  EXPECT_THAT(Batch(8), ElementsAre(2));
}

TEST_F(RowQueueTest, RefusesExactlyWhatIsBeyondItsCapacity) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) ASSERT_THAT(Push({.seed = seed}), IsOk());

  const absl::Status refusal = Push({.seed = 5});

  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(refusal), Optional(std::string("QUEUE_FULL")));
  EXPECT_TRUE(RetryAfterOf(refusal).has_value());
  EXPECT_EQ(queue_.depth(), 4U);
  EXPECT_THAT(Batch(1), ElementsAre(1));
  EXPECT_THAT(Push({.seed = 6}), IsOk());
}

TEST_F(RowQueueTest, CountsReservedPlacesUntilTheyAreGivenBack) {
  {
    const absl::StatusOr<Reservation> reservation = queue_.Reserve(3);
    ASSERT_THAT(reservation, IsOk());
    EXPECT_THAT(queue_.Reserve(2), StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_EQ(queue_.depth(), 3U);
  }
  EXPECT_EQ(queue_.depth(), 0U);
  EXPECT_THAT(queue_.Reserve(4), IsOk());
}

TEST_F(RowQueueTest, RefusesForGoodWhatCanNeverFit) {
  EXPECT_THAT(queue_.Reserve(5), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(RowQueueTest, AnswersRowsPastTheirDeadlineInsteadOfHandingThemOut) {
  ASSERT_THAT(Push({.seed = 1}), IsOk());
  clock_.Advance(6s);
  ASSERT_THAT(Push({.seed = 2}), IsOk());
  clock_.Advance(4s);  // Exactly at the deadline of the first.

  EXPECT_THAT(Batch(8), ElementsAre(2));
  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST_F(RowQueueTest, FreesThePlaceOfACancelledRowAtOnce) {
  ASSERT_THAT(Push({.seed = 1}), IsOk());
  ASSERT_THAT(Push({.seed = 2}), IsOk());

  maker_.Cancel(1);
  queue_.DropDeparted();

  EXPECT_THAT(maker_.answers(),
              ElementsAre(Pair(1, ElementsAre(StatusIs(absl::StatusCode::kCancelled)))));
  EXPECT_EQ(queue_.depth(), 1U);
  EXPECT_THAT(Batch(8), ElementsAre(2));
}

TEST_F(RowQueueTest, CloseRefusesNewRowsAndHandsOutWhatWasAdmitted) {
  ASSERT_THAT(Push({.seed = 1}), IsOk());
  absl::StatusOr<Reservation> reservation = queue_.Reserve(1);
  ASSERT_THAT(reservation, IsOk());

  queue_.Close();

  EXPECT_THAT(Push({.seed = 2}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Batch(8), ElementsAre(1));
  std::vector<Row> late;
  late.push_back(maker_.Make({.seed = 3}));
  queue_.Push(*std::move(reservation), std::move(late));
  EXPECT_THAT(Batch(8), ElementsAre(3));
  EXPECT_THAT(Batch(8), IsEmpty());
}

TEST_F(RowQueueTest, PushWakesAWaitingReplica) {
  std::vector<std::uint64_t> seeds;
  {
    const std::jthread replica([&] { seeds = Batch(8); });
    AwaitIdleReplica();
    EXPECT_THAT(Push({.seed = 1}), IsOk());
  }
  EXPECT_THAT(seeds, ElementsAre(1));
}

TEST_F(RowQueueTest, AReservationGivenBackLetsAClosedQueueEnd) {
  std::vector<std::uint64_t> seeds = {7};
  {
    absl::StatusOr<Reservation> reservation = queue_.Reserve(1);
    queue_.Close();
    const std::jthread replica([&] { seeds = Batch(8); });
    AwaitIdleReplica();
    { const Reservation given_back = *std::move(reservation); }
  }
  EXPECT_THAT(seeds, IsEmpty());
}

TEST_F(RowQueueTest, WaitsOnWhenEveryRowHadExpired) {
  ASSERT_THAT(Push({.seed = 1}), IsOk());
  clock_.Advance(10s);

  std::vector<std::uint64_t> seeds;
  {
    const std::jthread replica([&] { seeds = Batch(8); });
    AwaitIdleReplica();
    EXPECT_THAT(Push({.seed = 2}), IsOk());
  }
  EXPECT_THAT(seeds, ElementsAre(2));
}

TEST_F(RowQueueTest, AnswersEachRowOnceUnderManyProducersAndReplicas) {
  constexpr std::uint64_t kProducers = 4;
  constexpr std::uint64_t kRowsEach = 300;
  {
    std::vector<std::jthread> replicas;
    for (int i = 0; i < 2; ++i) {
      replicas.emplace_back([this] {
        while (!Batch(2).empty()) continue;
      });
    }
    {
      std::vector<std::jthread> producers;
      for (std::uint64_t p = 0; p < kProducers; ++p) {
        producers.emplace_back([this, p] {
          for (std::uint64_t r = 0; r < kRowsEach; ++r) {
            while (!Push({.seed = p * kRowsEach + r}).ok()) std::this_thread::yield();
          }
        });
      }
    }  // All rows are pushed.
    queue_.Close();
  }  // All replicas have left.

  EXPECT_THAT(maker_.answers(), SizeIs(kProducers * kRowsEach));
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(RowQueueTest, DestructionAnswersWhatIsLeft) {
  {
    RowQueue queue(/*capacity=*/1, clock_);
    absl::StatusOr<Reservation> reservation = queue.Reserve(1);
    ASSERT_THAT(reservation, IsOk());
    std::vector<Row> rows;
    rows.push_back(maker_.Make({.seed = 1}));
    queue.Push(*std::move(reservation), std::move(rows));
  }
  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
}

TEST_F(RowQueueTest, ARowThatIsForgottenIsAnsweredAllTheSame) {
  { const Row forgotten = maker_.Make({.seed = 1}); }

  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kInternal)));
}

}  // namespace
}  // namespace upscaler
