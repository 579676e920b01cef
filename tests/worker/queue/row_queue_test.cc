#include "worker/queue/row_queue.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
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
using ::testing::AllOf;
using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;

using Seeds = std::vector<std::uint64_t>;

class RowQueueTest : public ::testing::Test {
 protected:
  // A replica that has begun rows, as far as the queue is told.
  struct Replica {
    std::list<Row> rows{};
    std::vector<BegunRow> begun{};
    std::size_t max_begun = 16;
    std::size_t cap = 8;
    Batching batching = Batching::kFill;
  };

  void Push(const RowMaker::Wish& wish) { PushAll({wish}); }
  void PushAll(const std::vector<RowMaker::Wish>& wishes) {
    std::vector<Row> rows;
    for (const RowMaker::Wish& wish : wishes) rows.push_back(maker_.Make(wish));
    queue_.Push(std::move(rows));
  }

  // The seeds of the rows that `replica` steps next: those it has begun, then those that
  // it begins with this step.
  Seeds Step(Replica& replica) {
    const std::size_t cap = replica.cap;
    NextStep next = queue_.AwaitStep(
        replica.begun, replica.max_begun,
        {.batching = replica.batching, .max_rows = [cap](const BatchKey& /*key*/) { return cap; }});
    Seeds seeds;
    for (const std::size_t index : next.begun) {
      seeds.push_back(replica.begun[index].row->spec.seed);
    }
    for (Row& row : next.joining) {
      seeds.push_back(row.spec.seed);
      replica.rows.push_back(std::move(row));
      replica.begun.push_back({.row = &replica.rows.back()});
    }
    return seeds;
  }

  // The same for a replica that ends its rows with the step.
  Seeds Take(std::size_t cap) {
    Replica replica{.cap = cap};
    Seeds seeds = Step(replica);
    for (Row& row : replica.rows) {
      queue_.End(row, row.work);
      std::move(row.reply).Send(RowResult{});
    }
    return seeds;
  }

  void AwaitIdleReplicas(std::size_t count) {
    while (queue_.idle_replicas() != count) std::this_thread::yield();
  }

  FakeClock clock_;
  RowMaker maker_{clock_};
  RowQueue queue_{clock_};
};

TEST_F(RowQueueTest, HandsOutRowsOldestFirstWhereNothingIsKnownOfThem) {
  Push({.seed = 1});
  Push({.seed = 2});

  EXPECT_THAT(Take(1), ElementsAre(1));
  EXPECT_THAT(Take(1), ElementsAre(2));
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(RowQueueTest, HandsOutRowsInTheOrderOfTheirFairFinishes) {
  Push({.seed = 1, .work = 10s});
  Push({.seed = 2, .work = 2s});
  Push({.seed = 3, .work = 5s});

  EXPECT_THAT(Take(1), ElementsAre(2));
  EXPECT_THAT(Take(1), ElementsAre(3));
  EXPECT_THAT(Take(1), ElementsAre(1));
}

TEST_F(RowQueueTest, ALongRowIsOvertakenUntilItsFairFinishAndNoLonger) {
  Replica replica{.cap = 1};
  Push({.seed = 1, .work = 5s});
  Seeds step;
  double virtual_time = 0;
  for (std::uint64_t seed = 2; step != Seeds{1} && seed < 100; ++seed) {
    Push({.seed = seed, .work = 1s});  // As much as the replica can do.
    virtual_time = queue_.virtual_time();
    step = Step(replica);
    queue_.Serve(1s);
    queue_.End(*replica.begun.back().row, 0s);
    replica.begun.clear();
  }

  EXPECT_THAT(step, ElementsAre(1));
  EXPECT_THAT(virtual_time, AllOf(Ge(4), Le(5)));
  replica.rows.clear();
}

TEST_F(RowQueueTest, ChoosesAmongRowsThatAreBegunAndRowsThatWait) {
  Replica replica{.cap = 2};
  PushAll({{.seed = 1, .work = 5s}, {.seed = 2, .work = 9s}});
  ASSERT_THAT(Step(replica), ElementsAre(1, 2));

  Push({.seed = 3, .work = 1s});

  EXPECT_THAT(Step(replica), ElementsAre(1, 3));  // The second one is passed over.
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(RowQueueTest, BeginsNoMoreRowsThanTheReplicaCanHold) {
  Replica replica{.max_begun = 2, .cap = 2};
  PushAll({{.seed = 1, .work = 5s}, {.seed = 2, .work = 9s}});
  ASSERT_THAT(Step(replica), ElementsAre(1, 2));

  Push({.seed = 3, .work = 1s});

  EXPECT_THAT(Step(replica), ElementsAre(1, 2));
  EXPECT_EQ(queue_.depth(), 1U);
}

TEST_F(RowQueueTest, BeginsNoMoreRowsThanTheReplicaHasRoomFor) {
  Replica replica{.max_begun = 2, .cap = 4};
  PushAll({{.seed = 1, .work = 5s}, {.seed = 2, .work = 6s}, {.seed = 3, .work = 7s}});

  EXPECT_THAT(Step(replica), ElementsAre(1, 2));
  EXPECT_EQ(queue_.depth(), 1U);
}

TEST_F(RowQueueTest, AnswersRowsPastTheirDeadlineInsteadOfHandingThemOut) {
  Push({.seed = 1, .time_left = 4s});
  Push({.seed = 2, .time_left = 5s});
  clock_.Advance(4s);  // Exactly at the deadline of the first.

  EXPECT_THAT(Take(8), ElementsAre(2));
  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST_F(RowQueueTest, FreesThePlaceOfACancelledRowAtOnce) {
  PushAll({{.seed = 1, .work = 2s}, {.seed = 2, .work = 3s}});

  maker_.Cancel(1);
  queue_.DropDeparted();

  EXPECT_THAT(maker_.answers(),
              ElementsAre(Pair(1, ElementsAre(StatusIs(absl::StatusCode::kCancelled)))));
  EXPECT_EQ(queue_.depth(), 1U);
  EXPECT_EQ(queue_.work_ahead(), 3s);
  EXPECT_THAT(Take(8), ElementsAre(2));
}

TEST_F(RowQueueTest, ARowThatIsPutBackKeepsItsTurn) {
  Replica replica{.cap = 1};
  Push({.seed = 1, .steps = 2, .work = 2s});
  ASSERT_THAT(Step(replica), ElementsAre(1));
  queue_.Serve(1s);
  Push({.seed = 2, .work = 1500ms});  // Ends later than the first one in fairness.

  queue_.Return(std::move(replica.rows.front()), 1s);

  EXPECT_EQ(queue_.work_ahead(), 3500ms);
  EXPECT_THAT(Take(1), ElementsAre(1));
  EXPECT_THAT(Take(1), ElementsAre(2));
}

TEST_F(RowQueueTest, HandsOutWhatWasPushedBeforeItWasClosed) {
  Push({.seed = 1});
  Push({.seed = 2});

  queue_.Close();
  queue_.Close();

  EXPECT_THAT(Take(1), ElementsAre(1));
  EXPECT_THAT(Take(1), ElementsAre(2));
  EXPECT_THAT(Take(1), IsEmpty());
}

TEST_F(RowQueueTest, ARowThatIsPutBackIntoAClosedQueueIsHandedOutAgain) {
  Replica replica{.cap = 1};
  Push({.seed = 1});
  ASSERT_THAT(Step(replica), ElementsAre(1));
  queue_.Close();

  queue_.Return(std::move(replica.rows.front()), 0s);

  EXPECT_THAT(Take(1), ElementsAre(1));
  EXPECT_THAT(Take(1), IsEmpty());
}

TEST_F(RowQueueTest, OnceAbandonedAnswersEveryRowWithWhatWasSaid) {
  Push({.seed = 1});

  queue_.Abandon(WithReason(absl::UnavailableError("no device"), "NO_DEVICE"));
  Push({.seed = 2});

  for (const std::uint64_t seed : {1U, 2U}) {
    ASSERT_THAT(maker_.answers()[seed], ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
    EXPECT_THAT(ReasonOf(maker_.answers()[seed].front()), Optional(Eq("NO_DEVICE")));
  }
  EXPECT_EQ(queue_.depth(), 0U);
  EXPECT_EQ(queue_.work_ahead(), 0s);
}

TEST_F(RowQueueTest, ARowThatIsPutBackOnceAbandonedIsAnsweredToo) {
  Replica replica{.cap = 1};
  Push({.seed = 1, .work = 2s});
  ASSERT_THAT(Step(replica), ElementsAre(1));
  queue_.Abandon(absl::UnavailableError("no device"));

  queue_.Return(std::move(replica.rows.front()), 2s);

  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_EQ(queue_.work_ahead(), 0s);
}

TEST_F(RowQueueTest, KnowsTheWorkAheadUntilItIsDone) {
  Replica replica{.cap = 1};
  PushAll({{.seed = 1, .steps = 2, .work = 2s}, {.seed = 2, .work = 6s}});
  EXPECT_EQ(queue_.work_ahead(), 8s);

  ASSERT_THAT(Step(replica), ElementsAre(1));
  EXPECT_EQ(queue_.work_ahead(), 8s);
  queue_.Serve(1s);
  EXPECT_EQ(queue_.work_ahead(), 7s);
  queue_.End(replica.rows.front(), 1s);

  EXPECT_EQ(queue_.work_ahead(), 6s);
}

TEST_F(RowQueueTest, KnowsWhatWouldBeDoneBeforeANewRow) {
  Replica replica{.cap = 1};
  Push({.seed = 1, .work = 1s});
  ASSERT_THAT(Step(replica), ElementsAre(1));
  PushAll({{.seed = 2, .work = 2s}, {.seed = 3, .work = 5s}});

  EXPECT_EQ(queue_.WorkBefore(1s), 1s);  // What is begun, and nothing that waits.
  EXPECT_EQ(queue_.WorkBefore(2s), 3s);
  EXPECT_EQ(queue_.WorkBefore(9s), 8s);
  EXPECT_EQ(queue_.RowsBefore(1s), 0U);
  EXPECT_EQ(queue_.RowsBefore(2s), 1U);
  EXPECT_EQ(queue_.RowsBefore(9s), 2U);
}

TEST_F(RowQueueTest, KnowsForHowLongTheOldestRowHasWaited) {
  EXPECT_EQ(queue_.oldest_age(), 0s);
  Push({.seed = 1, .work = 9s});
  clock_.Advance(2s);
  Push({.seed = 2, .work = 1s});
  clock_.Advance(1s);

  EXPECT_EQ(queue_.oldest_age(), 3s);
}

TEST_F(RowQueueTest, ARowThatLeavesUnservedGivesItsShareToTheOthers) {
  Push({.seed = 1, .work = 10s});
  Push({.seed = 2, .work = 10s});
  maker_.Cancel(1);
  queue_.DropDeparted();

  queue_.Serve(4s);

  EXPECT_THAT(queue_.virtual_time(), DoubleEq(4));
}

TEST_F(RowQueueTest, ARowThatIsPutBackSharesForWhatHasToBeDoneAgain) {
  Replica replica{.cap = 1};
  Push({.seed = 1, .steps = 2, .work = 4s});
  ASSERT_THAT(Step(replica), ElementsAre(1));
  queue_.Serve(2s);

  queue_.Return(std::move(replica.rows.front()), 2s);
  queue_.Serve(4s);

  EXPECT_THAT(queue_.virtual_time(), DoubleEq(4));  // Its 2 s and as much beside it.
}

TEST_F(RowQueueTest, ABegunRowStandsInAStepOnceForEachOfItsTiles) {
  Replica replica;
  PushAll({{.seed = 1}, {.seed = 2}});
  ASSERT_THAT(Step(replica), ElementsAre(1, 2));

  replica.begun[0].course = {.tiles = 3, .tiles_done = 1};

  EXPECT_THAT(Step(replica), ElementsAre(1, 1, 2));
}

TEST_F(RowQueueTest, ARowThatIsBeingEncodedTakesNoStep) {
  Replica replica;
  PushAll({{.seed = 1}, {.seed = 2}});
  ASSERT_THAT(Step(replica), ElementsAre(1, 2));
  Push({.seed = 3});

  replica.begun[0].encoding = true;

  EXPECT_THAT(Step(replica), ElementsAre(2, 3));
}

TEST_F(RowQueueTest, WaitsForNoRowWhileAnotherIsBeingEncoded) {
  Replica replica;
  Push({.seed = 1});
  ASSERT_THAT(Step(replica), ElementsAre(1));

  replica.begun[0].encoding = true;

  EXPECT_THAT(Step(replica), IsEmpty());
  Push({.seed = 2});
  EXPECT_THAT(Step(replica), ElementsAre(2));
}

TEST_F(RowQueueTest, PushWakesAWaitingReplica) {
  Seeds seeds;
  {
    const std::jthread replica([&] { seeds = Take(8); });
    AwaitIdleReplicas(1);
    Push({.seed = 1});
  }
  EXPECT_THAT(seeds, ElementsAre(1));
}

TEST_F(RowQueueTest, RowsThatArePushedTogetherAreSharedAmongIdleReplicas) {
  std::vector<Seeds> taken(2);
  {
    std::vector<std::jthread> replicas;
    for (Seeds& seeds : taken) replicas.emplace_back([&] { seeds = Take(8); });
    AwaitIdleReplicas(2);
    PushAll({{.seed = 1}, {.seed = 2}, {.seed = 3}, {.seed = 4}});
  }
  // Whoever comes second finds nobody idle and takes what is left.
  EXPECT_THAT(taken, Each(SizeIs(2)));
}

TEST_F(RowQueueTest, CloseLetsAWaitingReplicaLeave) {
  Seeds seeds = {7};
  {
    const std::jthread replica([&] { seeds = Take(8); });
    AwaitIdleReplicas(1);
    queue_.Close();
  }
  EXPECT_THAT(seeds, IsEmpty());
}

TEST_F(RowQueueTest, WaitsOnWhenEveryRowHadExpired) {
  Push({.seed = 1, .time_left = 1s});
  clock_.Advance(1s);

  Seeds seeds;
  {
    const std::jthread replica([&] { seeds = Take(8); });
    AwaitIdleReplicas(1);
    Push({.seed = 2});
  }
  EXPECT_THAT(seeds, ElementsAre(2));
}

TEST_F(RowQueueTest, AReceiverMayCallBackIntoTheQueue) {
  std::size_t depth = 99;
  std::vector<Row> rows;
  rows.push_back(Row{.spec = maker_.Make({.seed = 1}).spec,
                     .cancel = std::make_shared<CancelToken>(),
                     .progress = [](const RowAdvance& /*advance*/) {},
                     .reply = Reply([&](const absl::StatusOr<RowResult>& /*result*/) {
                       depth = queue_.depth();
                     })});
  queue_.Push(std::move(rows));

  queue_.Abandon(absl::UnavailableError("no device"));

  EXPECT_EQ(depth, 0U);
}

TEST_F(RowQueueTest, AnswersEachRowOnceUnderManyProducersAndReplicas) {
  constexpr std::uint64_t kProducers = 4;
  constexpr std::uint64_t kRowsEach = 300;
  {
    std::vector<std::jthread> replicas;
    for (int i = 0; i < 2; ++i) {
      replicas.emplace_back([this] {
        while (!Take(2).empty()) continue;
      });
    }
    {
      std::vector<std::jthread> producers;
      for (std::uint64_t p = 0; p < kProducers; ++p) {
        producers.emplace_back([this, p] {
          for (std::uint64_t r = 0; r < kRowsEach; ++r) Push({.seed = p * kRowsEach + r});
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
    RowQueue queue(clock_);
    std::vector<Row> rows;
    rows.push_back(maker_.Make({.seed = 1}));
    queue.Push(std::move(rows));
  }
  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
}

TEST_F(RowQueueTest, GuessesDelayNobodyOnPaper) {
  Replica replica{.cap = 1};
  std::vector<Row> guess;
  guess.push_back(maker_.Make({.seed = 1, .steps = 2, .work = 100s}));
  guess.front().work_is_guess = true;
  queue_.Push(std::move(guess));
  Push({.seed = 2, .work = 3s});
  EXPECT_EQ(queue_.WorkBefore(200s), 3s);

  Replica other{.cap = 1};
  ASSERT_THAT(Step(replica), ElementsAre(2));
  ASSERT_THAT(Step(other), ElementsAre(1));
  EXPECT_EQ(queue_.WorkBefore(200s), 3s);
  queue_.Serve(50s, /*guess=*/true);
  EXPECT_EQ(queue_.WorkBefore(200s), 3s);
  EXPECT_EQ(queue_.work_ahead(), 53s);
}

TEST_F(RowQueueTest, TellsRowsThatAskWhereTheyStand) {
  std::vector<std::string> told;
  const auto push = [&](const std::string& name, const RowMaker::Wish& wish) {
    std::vector<Row> rows;
    rows.push_back(maker_.Make(wish));
    rows.front().place =
        std::make_shared<const RowPlaceListener>([&told, name](const RowPlace& place) {
          told.push_back(fmt::format("{} {} {}", name, place.rows_ahead,
                                     std::chrono::floor<std::chrono::seconds>(place.work_ahead)));
        });
    queue_.Push(std::move(rows));
  };
  Replica replica{.cap = 1};
  Push({.seed = 1, .work = 2s});
  push("long", {.seed = 2, .work = 9s});
  push("short", {.seed = 3, .work = 3s});

  queue_.TellPlaces();
  EXPECT_THAT(told, ElementsAre("short 1 2s", "long 2 5s"));
  told.clear();
  ASSERT_THAT(Step(replica), ElementsAre(1));
  queue_.TellPlaces();
  EXPECT_THAT(told, ElementsAre("short 0 2s", "long 1 5s"));
}

}  // namespace
}  // namespace upscaler
