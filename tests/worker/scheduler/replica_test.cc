#include "worker/scheduler/replica.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "tests/support/counting_observer.h"
#include "tests/support/delay_engine.h"
#include "tests/support/delay_engines.h"
#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::CountingObserver;
using test::DelayEngine;
using test::DelayEngines;
using test::EngineScript;
using test::FakeClock;
using test::IsOk;
using test::RowMaker;
using test::StatusIs;
using ::testing::_;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;

class ReplicaTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kMaxBatch = 2;

  ReplicaTest() {
    // Two rows a step are worth it, as is known from before.
    for (const std::size_t rows : {1U, 1U, 2U, 2U}) costs_.NoteStep(kKey, rows, 1s);
    script_.step = [](std::size_t /*rows*/) { return 1s; };
    script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
  }

  ~ReplicaTest() override {
    queue_.Close();
    replica_ = nullptr;
    EXPECT_THAT(script_.breaches(), IsEmpty());
  }

  void Push(const RowMaker::Wish& wish) {
    std::vector<Row> rows;
    rows.push_back(maker_.Make(wish));
    queue_.Push(std::move(rows));
  }

  std::unique_ptr<Replica> MakeReplica() {
    return std::make_unique<Replica>(parts_, options_, engines_,
                                     std::make_unique<DelayEngine>(script_), [this] {
                                       gone_ = true;
                                       queue_.Abandon(absl::UnavailableError("no device"));
                                     });
  }

  // Lets the replica work off all that was pushed.
  void Drain() {
    if (replica_ == nullptr) replica_ = MakeReplica();
    queue_.Close();
    replica_ = nullptr;
  }

  // The picture of a row that is done in tiles; its two bands are to be decoded.
  PictureRows& PushAndAwaitLarge(std::uint64_t seed) {
    Push({.seed = seed, .width = 4, .height = 4, .tile_side = 2});
    replica_ = MakeReplica();
    maker_.AwaitAnswered(1);
    return *std::get<std::unique_ptr<PictureRows>>(maker_.result(seed)->output);
  }

  // Those that a row in tiles has met when its last band is there.
  std::set<std::thread::id> ThreadsThatCompute() {
    Mutex mutex;
    std::set<std::thread::id> threads;
    script_.encode = script_.decode = 1s;
    script_.pass_time = [&](TimePoint::duration /*time*/) {
      const MutexLock lock(mutex);
      threads.insert(std::this_thread::get_id());
    };
    PictureRows& rows = PushAndAwaitLarge(1);
    for (int band = 0; band < 2; ++band) EXPECT_THAT(rows.Next(), IsOk());
    Drain();
    return threads;
  }

  void AwaitHealth(ReplicaHealth health) {
    while (replica_->health() != health) std::this_thread::yield();
  }

  static constexpr BatchKey kKey = {.width = 2, .height = 1, .guided = false};

  FakeClock clock_;
  RowMaker maker_{clock_};
  CountingObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  RowQueue queue_{clock_};
  CostModel costs_{kMaxBatch};
  SchedulerParts parts_{queue_, costs_, clock_, observer_};
  Replica::Options options_ = {.device = "cuda:1", .rebuild_attempts = 3, .rebuild_pause = 0ms};
  std::atomic<bool> gone_ = false;
  std::unique_ptr<Replica> replica_;
};

TEST_F(ReplicaTest, AnswersWhatWaitsUntilTheQueueIsClosed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) Push({.seed = seed, .steps = 3});

  Drain();

  EXPECT_THAT(maker_.answers(), SizeIs(5));
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
  EXPECT_THAT(observer_.heard().replicas, ElementsAre(Pair("cuda:1", true), Pair("cuda:1", false)));
  EXPECT_FALSE(gone_);
}

TEST_F(ReplicaTest, TakesInWhatArrivesWhileItRuns) {
  script_.HangPass({.seed = 1, .step = 1});
  replica_ = MakeReplica();
  Push({.seed = 1, .steps = 2});
  script_.AwaitHanging();

  Push({.seed = 2, .steps = 1});
  script_.Release();
  Drain();

  EXPECT_THAT(script_.passes(), ElementsAre(ElementsAre(1), ElementsAre(1, 2)));
}

TEST_F(ReplicaTest, SeveralReplicasAnswerEveryRowOnce) {
  for (std::uint64_t seed = 1; seed <= 32; ++seed) Push({.seed = seed, .steps = 3});
  {
    const std::unique_ptr<Replica> other = MakeReplica();
    Drain();
  }

  EXPECT_THAT(maker_.answers(), SizeIs(32));
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, IsLateAndThenStuckWhileAPassHangsAndWellAgainAfterIt) {
  script_.HangPass({.seed = 1, .step = 2});
  Push({.seed = 1, .steps = 3});
  replica_ = MakeReplica();
  script_.AwaitHanging();
  EXPECT_EQ(replica_->health(), ReplicaHealth::kServing);

  clock_.Advance(5s);
  EXPECT_EQ(replica_->health(), ReplicaHealth::kLate);
  clock_.Advance(5s);
  EXPECT_EQ(replica_->health(), ReplicaHealth::kStuck);

  script_.Release();
  maker_.AwaitAnswered(1);
  EXPECT_EQ(replica_->health(), ReplicaHealth::kServing);
  EXPECT_THAT(maker_.result(1), IsOk());
}

TEST_F(ReplicaTest, IsLateWhileADecodingHangs) {
  script_.HangDecodings();
  Push({.seed = 1});
  replica_ = MakeReplica();
  script_.AwaitHanging();

  clock_.Advance(5s);

  EXPECT_EQ(replica_->health(), ReplicaHealth::kLate);
  script_.Release();
}

TEST_F(ReplicaTest, StepsOnWhileARowIsDecoded) {
  script_.HangDecodings();
  Push({.seed = 1});
  replica_ = MakeReplica();
  script_.AwaitHanging();

  Push({.seed = 2});
  while (script_.finished() < 2) std::this_thread::yield();

  EXPECT_EQ(maker_.answered(), 0U);
  script_.Release();
  Drain();
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, DecodesOnAnotherThreadThanItSteps) {
  EXPECT_THAT(ThreadsThatCompute(), SizeIs(2));
}

TEST_F(ReplicaTest, ComputesOnOneThreadWhereTheEngineWantsIt) {
  script_.wants_one_thread = true;

  EXPECT_THAT(ThreadsThatCompute(), SizeIs(1));
}

TEST_F(ReplicaTest, DecidesWhileItsOneThreadDecodes) {
  script_.wants_one_thread = true;
  script_.HangDecodings();
  Push({.seed = 1});
  replica_ = MakeReplica();
  script_.AwaitHanging();

  Push({.seed = 2});
  while (queue_.depth() > 0) std::this_thread::yield();

  EXPECT_EQ(script_.admitted(), 1U);
  script_.Release();
  Drain();
  EXPECT_THAT(maker_.answers(), SizeIs(2));
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, StepsNoFurtherThanItsDecodingsCanFollow) {
  script_.HangDecodings();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) Push({.seed = seed});
  queue_.Close();
  replica_ = MakeReplica();
  // Those that may wait for their decoding, and one that waits for a place.
  while (script_.finished() < kMaxBatch + 1) std::this_thread::yield();

  const std::size_t finished = script_.finished();
  script_.Release();
  replica_ = nullptr;

  EXPECT_EQ(finished, kMaxBatch + 1);
  EXPECT_THAT(maker_.answers(), SizeIs(20));
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, IsLateWhileABandHangs) {
  PictureRows& rows = PushAndAwaitLarge(1);
  script_.HangDecodings();
  {
    const std::jthread writer([&] { EXPECT_THAT(rows.Next(), IsOk()); });
    script_.AwaitHanging();

    clock_.Advance(5s);

    EXPECT_EQ(replica_->health(), ReplicaHealth::kLate);
    script_.Release();
  }
  EXPECT_EQ(replica_->health(), ReplicaHealth::kServing);
}

TEST_F(ReplicaTest, DecodesOtherRowsBetweenTheBandsOfALargePicture) {
  PictureRows& rows = PushAndAwaitLarge(1);
  EXPECT_THAT(rows.Next(), IsOk());

  Push({.seed = 2});
  maker_.AwaitAnswered(2);

  EXPECT_THAT(maker_.result(2), IsOk());
  EXPECT_THAT(rows.Next(), IsOk());
}

TEST_F(ReplicaTest, BandsComeThoughTheirEngineIsReplaced) {
  PictureRows& rows = PushAndAwaitLarge(1);
  EXPECT_THAT(rows.Next(), IsOk());

  script_.FailPass({.seed = 2}, absl::UnavailableError("the device was lost"), /*times=*/1);
  Push({.seed = 2});
  maker_.AwaitAnswered(2);

  EXPECT_THAT(engines_.devices(), SizeIs(1));
  EXPECT_THAT(rows.Next(), IsOk());
}

TEST_F(ReplicaTest, ReplacesAnEngineThatBreaks) {
  script_.FailPass({.seed = 1, .step = 2}, absl::UnavailableError("the device was lost"), 1);
  Push({.seed = 1, .steps = 3});

  replica_ = MakeReplica();
  maker_.AwaitAnswered(1);

  EXPECT_THAT(maker_.result(1), IsOk());
  EXPECT_THAT(engines_.devices(), ElementsAre("cuda:1"));
  EXPECT_EQ(replica_->health(), ReplicaHealth::kServing);
  EXPECT_THAT(observer_.heard().replicas,
              ElementsAre(Pair("cuda:1", true), Pair("cuda:1", false), Pair("cuda:1", true)));
}

TEST_F(ReplicaTest, TriesAgainWhereNoEngineCanBeMade) {
  script_.FailPass({.seed = 1, .step = 1}, absl::UnavailableError("the device was lost"), 1);
  engines_.FailMake(absl::ResourceExhaustedError("no room"), /*times=*/2);
  Push({.seed = 1});

  replica_ = MakeReplica();
  maker_.AwaitAnswered(1);

  EXPECT_THAT(maker_.result(1), IsOk());
  EXPECT_THAT(engines_.devices(), SizeIs(3));
}

TEST_F(ReplicaTest, GivesUpWhereNoEngineCanBeMadeAtAll) {
  script_.FailPass({.seed = 1, .step = 1}, absl::UnavailableError("the device was lost"));
  engines_.FailMake(absl::FailedPreconditionError("no such device"));
  Push({.seed = 1});
  Push({.seed = 2});

  replica_ = MakeReplica();
  maker_.AwaitAnswered(2);

  AwaitHealth(ReplicaHealth::kGone);
  EXPECT_TRUE(gone_);
  EXPECT_THAT(engines_.devices(), SizeIs(3));
  EXPECT_THAT(maker_.answers(),
              Each(Pair(_, ElementsAre(StatusIs(absl::StatusCode::kUnavailable)))));
}

TEST_F(ReplicaTest, SaysSoWhileAnEngineIsBeingMade) {
  script_.FailPass({.seed = 1, .step = 1}, absl::UnavailableError("the device was lost"), 1);
  engines_.Hang();
  Push({.seed = 1});

  replica_ = MakeReplica();
  engines_.AwaitAsked(1);

  EXPECT_EQ(replica_->health(), ReplicaHealth::kRebuilding);
  EXPECT_EQ(queue_.depth(), 1U);  // For whichever replica comes first.
  engines_.Release();
  maker_.AwaitAnswered(1);
  EXPECT_EQ(replica_->health(), ReplicaHealth::kServing);
}

TEST_F(ReplicaTest, MakesNoEngineWhileTheOldOnesRowsAreDecoded) {
  script_.HangDecodings();
  script_.FailPass({.seed = 2, .step = 2}, absl::UnavailableError("the device was lost"), 1);
  Push({.seed = 1});
  Push({.seed = 2, .steps = 2});

  replica_ = MakeReplica();
  script_.AwaitHanging();
  AwaitHealth(ReplicaHealth::kRebuilding);

  EXPECT_THAT(engines_.devices(), IsEmpty());
  script_.Release();
  maker_.AwaitAnswered(2);
  EXPECT_THAT(maker_.answers(), Each(Pair(_, ElementsAre(IsOk()))));
}

TEST_F(ReplicaTest, EndsAtOnceWhileItWaitsToTryAgain) {
  options_.rebuild_pause = 1h;
  script_.FailPass({.seed = 1, .step = 1}, absl::UnavailableError("the device was lost"));
  engines_.FailMake(absl::ResourceExhaustedError("no room"));
  Push({.seed = 1});
  replica_ = MakeReplica();
  engines_.AwaitAsked(1);

  Drain();

  EXPECT_THAT(maker_.answers()[1], ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
}

}  // namespace
}  // namespace upscaler
