#include "worker/queue/batch_policy.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::RowMaker;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kNever = std::numeric_limits<double>::infinity();

class BatchPolicyTest : public ::testing::Test {
 protected:
  // A row that could take a step. Rows are as old as their seeds are low.
  struct Wish {
    std::uint64_t seed = 0;
    double fair_finish = kNever;  // In virtual time.
    std::string prompt = "a cat";
    int width = 2;
    int tile_side = 0;
    TimePoint::duration work{};
    TimePoint::duration decoding{};
    std::optional<TimePoint::duration> time_left{};
    int steps = 1;
    RowCourse course{};
    bool begun = false;
  };

  void Add(const Wish& wish) {
    rows_.push_back(maker_.Make({.seed = wish.seed,
                                 .prompt = wish.prompt,
                                 .width = wish.width,
                                 .tile_side = wish.tile_side,
                                 .steps = wish.steps,
                                 .work = wish.work,
                                 .decoding = wish.decoding,
                                 .time_left = wish.time_left}));
    rows_.back().id = wish.seed;
    rows_.back().fair_finish = wish.fair_finish;
    candidates_.push_back({.row = &rows_.back(), .course = wish.course, .begun = wish.begun});
  }

  // The seeds of the rows that take the next step.
  std::vector<std::uint64_t> Choose() {
    const BatchRule rule = {.batching = batching_,
                            .max_rows = [this](const BatchKey& /*key*/) { return cap_; }};
    std::vector<std::uint64_t> seeds;
    for (const std::size_t index : ChooseBatch(candidates_, rule,
                                               {.now = clock_.Now(),
                                               .virtual_time = virtual_time_,
                                               .idle_replicas = idle_replicas_})) {
      seeds.push_back(candidates_[index].row->spec.seed);
    }
    return seeds;
  }

  FakeClock clock_;
  RowMaker maker_{clock_};
  std::deque<Row> rows_;
  std::vector<Candidate> candidates_;
  Batching batching_ = Batching::kFill;
  std::size_t cap_ = 8;
  double virtual_time_ = 0;
  std::size_t idle_replicas_ = 0;
};

TEST_F(BatchPolicyTest, ChoosesNobodyWhereNobodyIs) { EXPECT_THAT(Choose(), IsEmpty()); }

TEST_F(BatchPolicyTest, OrdersRowsByTheirFairFinishes) {
  Add({.seed = 1, .fair_finish = 3});
  Add({.seed = 2, .fair_finish = 1});
  Add({.seed = 3, .fair_finish = 2});

  EXPECT_THAT(Choose(), ElementsAre(2, 3, 1));
}

TEST_F(BatchPolicyTest, OrdersEqualRowsByTheirAge) {
  Add({.seed = 2, .fair_finish = 1});
  Add({.seed = 1, .fair_finish = 1});

  EXPECT_THAT(Choose(), ElementsAre(1, 2));
}

TEST_F(BatchPolicyTest, ARowThatMissesItsDeadlineUnlessItRunsGoesFirst) {
  Add({.seed = 1, .fair_finish = 1});
  Add({.seed = 2, .fair_finish = 2, .work = 3s, .time_left = 5s});

  EXPECT_THAT(Choose(), ElementsAre(2, 1));
}

TEST_F(BatchPolicyTest, ADeadlineThatIsFarOffChangesNothing) {
  Add({.seed = 1, .fair_finish = 1});
  Add({.seed = 2, .fair_finish = 2, .work = 3s, .time_left = 6001ms});

  EXPECT_THAT(Choose(), ElementsAre(1, 2));
}

TEST_F(BatchPolicyTest, ARowThatHasLittleButItsDecodingBeforeItIsUrgentToo) {
  Add({.seed = 1, .fair_finish = 1});
  Add({.seed = 2,
       .fair_finish = 2,
       .work = 10s,
       .decoding = 6s,
       .time_left = 9s,
       .steps = 4,
       .course = {.steps_done = 3},
       .begun = true});

  EXPECT_THAT(Choose(), ElementsAre(2, 1));
}

TEST_F(BatchPolicyTest, ADeadlineThatCannotBeMetChangesNothing) {
  Add({.seed = 1, .fair_finish = 1});
  Add({.seed = 2, .fair_finish = 2, .work = 3s, .time_left = 2s});

  EXPECT_THAT(Choose(), ElementsAre(1, 2));
}

TEST_F(BatchPolicyTest, WhatARowHasDoneAlreadyCountsForItsDeadline) {
  Add({.seed = 1, .fair_finish = 1});
  Add({.seed = 2,
       .fair_finish = 2,
       .work = 4s,
       .time_left = 3s,
       .steps = 4,
       .course = {.steps_done = 2},
       .begun = true});

  EXPECT_THAT(Choose(), ElementsAre(2, 1));
}

TEST_F(BatchPolicyTest, UrgentRowsGoInTheOrderOfTheirDeadlines) {
  Add({.seed = 1, .fair_finish = 1, .work = 10s, .time_left = 15s});
  Add({.seed = 2, .fair_finish = 2, .work = 3s, .time_left = 5s});

  EXPECT_THAT(Choose(), ElementsAre(2, 1));
}

TEST_F(BatchPolicyTest, ARowWhoseFairFinishHasPassedGoesBeforeUrgentOnes) {
  virtual_time_ = 5;
  Add({.seed = 1, .fair_finish = 9, .work = 3s, .time_left = 5s});
  Add({.seed = 2, .fair_finish = 5});
  Add({.seed = 3, .fair_finish = 4});

  EXPECT_THAT(Choose(), ElementsAre(3, 2, 1));
}

TEST_F(BatchPolicyTest, NeverMixesKeys) {
  Add({.seed = 1, .fair_finish = 2, .width = 2});
  Add({.seed = 2, .fair_finish = 1, .width = 4});
  Add({.seed = 3, .fair_finish = 3, .width = 4});

  EXPECT_THAT(Choose(), ElementsAre(2, 3));
}

TEST_F(BatchPolicyTest, TakesTheBestOnesPromptFirstAndFillsUpWithOthers) {
  cap_ = 3;
  Add({.seed = 1, .fair_finish = 1, .prompt = "a cat"});
  Add({.seed = 2, .fair_finish = 2, .prompt = "a dog"});
  Add({.seed = 3, .fair_finish = 3, .prompt = "a cow"});
  Add({.seed = 4, .fair_finish = 4, .prompt = "a cat"});

  EXPECT_THAT(Choose(), ElementsAre(1, 4, 2));
}

TEST_F(BatchPolicyTest, TakesNobodyForItsPromptPastARowThatHasWaitedTooLong) {
  cap_ = 3;
  virtual_time_ = 2;
  Add({.seed = 1, .fair_finish = 1, .prompt = "a cat"});
  Add({.seed = 2, .fair_finish = 2, .prompt = "a dog"});
  Add({.seed = 3, .fair_finish = 3, .prompt = "a cow"});
  Add({.seed = 4, .fair_finish = 4, .prompt = "a cat"});

  EXPECT_THAT(Choose(), ElementsAre(1, 2, 4));
}

TEST_F(BatchPolicyTest, SamePromptNeverMixesPrompts) {
  batching_ = Batching::kSamePrompt;
  virtual_time_ = 2;
  Add({.seed = 1, .fair_finish = 1, .prompt = "a cat"});
  Add({.seed = 2, .fair_finish = 2, .prompt = "a dog"});
  Add({.seed = 3, .fair_finish = 3, .prompt = "a cat"});
  Add({.seed = 4, .fair_finish = 4, .prompt = "a cat", .width = 4});

  EXPECT_THAT(Choose(), ElementsAre(1, 3));
}

TEST_F(BatchPolicyTest, NoneRunsTheBestOneAlone) {
  batching_ = Batching::kNone;
  Add({.seed = 1, .fair_finish = 2});
  Add({.seed = 2, .fair_finish = 1});
  Add({.seed = 3, .fair_finish = 1});

  EXPECT_THAT(Choose(), ElementsAre(2));
}

TEST_F(BatchPolicyTest, TakesAsManyAsTheKeysCapAndTheBestOfThem) {
  cap_ = 2;
  Add({.seed = 1, .fair_finish = 3});
  Add({.seed = 2, .fair_finish = 1});
  Add({.seed = 3, .fair_finish = 2});

  EXPECT_THAT(Choose(), ElementsAre(2, 3));
}

TEST_F(BatchPolicyTest, PassesOverARowThatWasBegunForABetterOne) {
  cap_ = 1;
  Add({.seed = 1, .fair_finish = 9, .steps = 20, .course = {.steps_done = 3}, .begun = true});
  Add({.seed = 2, .fair_finish = 4});

  EXPECT_THAT(Choose(), ElementsAre(2));
}

TEST_F(BatchPolicyTest, LeavesReplicasThatIdleTheirPart) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) Add({.seed = seed});

  idle_replicas_ = 1;
  EXPECT_THAT(Choose(), ElementsAre(1, 2, 3));
  idle_replicas_ = 2;
  EXPECT_THAT(Choose(), ElementsAre(1, 2));
  idle_replicas_ = 7;
  EXPECT_THAT(Choose(), ElementsAre(1));
}

TEST_F(BatchPolicyTest, LeavesNobodyElseTheRowsThatWereBegun) {
  idle_replicas_ = 3;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Add({.seed = seed, .steps = 9, .course = {.steps_done = 1}, .begun = true});
  }
  Add({.seed = 4});

  EXPECT_THAT(Choose(), ElementsAre(1, 2, 3));
}

TEST_F(BatchPolicyTest, CountsOnlyRowsOfTheChosenKeyWhenItSharesThem) {
  idle_replicas_ = 1;
  Add({.seed = 1, .fair_finish = 1, .width = 2});
  Add({.seed = 2, .fair_finish = 2, .width = 2});
  for (std::uint64_t seed = 3; seed <= 8; ++seed) Add({.seed = seed, .width = 4});

  EXPECT_THAT(Choose(), ElementsAre(1));
}

TEST_F(BatchPolicyTest, ABegunRowTakesAsManyTilesAsAreLeftOfItsStep) {
  Add({.seed = 1, .course = {.tiles = 5, .tiles_done = 2}, .begun = true});

  EXPECT_THAT(Choose(), ElementsAre(1, 1, 1));
}

TEST_F(BatchPolicyTest, TheBestOneTakesItsTilesFirst) {
  cap_ = 6;
  Add({.seed = 1, .fair_finish = 3, .course = {.tiles = 4}, .begun = true});
  Add({.seed = 2, .fair_finish = 1, .course = {.tiles = 2}, .begun = true});
  Add({.seed = 3, .fair_finish = 2});

  EXPECT_THAT(Choose(), ElementsAre(2, 2, 3, 1, 1, 1));
}

TEST_F(BatchPolicyTest, NoMoreTilesShareAStepThanTheKeysCap) {
  cap_ = 2;
  Add({.seed = 1, .course = {.tiles = 5}, .begun = true});

  EXPECT_THAT(Choose(), ElementsAre(1, 1));
}

TEST_F(BatchPolicyTest, ARowThatHasYetToBeginTakesOnePass) {
  Add({.seed = 1, .fair_finish = 1, .width = 8, .tile_side = 2});
  Add({.seed = 2, .fair_finish = 2});

  EXPECT_THAT(Choose(), ElementsAre(1, 2));
}

TEST_F(BatchPolicyTest, TilesMixWithRowsOfTheirSize) {
  Add({.seed = 1, .fair_finish = 1, .width = 8, .tile_side = 4, .begun = true});
  Add({.seed = 2, .fair_finish = 2, .width = 4});
  Add({.seed = 3, .fair_finish = 3, .width = 8});

  EXPECT_THAT(Choose(), ElementsAre(1, 2));
}

TEST_F(BatchPolicyTest, NoneRunsTheTilesOfTheBestOneAlone) {
  batching_ = Batching::kNone;
  Add({.seed = 1, .fair_finish = 2});
  Add({.seed = 2, .fair_finish = 1, .course = {.tiles = 3}, .begun = true});

  EXPECT_THAT(Choose(), ElementsAre(2, 2, 2));
}

TEST_F(BatchPolicyTest, LeavesNobodyElseTheTilesOfRowsThatWereBegun) {
  idle_replicas_ = 3;
  Add({.seed = 1, .course = {.tiles = 4}, .begun = true});
  Add({.seed = 2});

  EXPECT_THAT(Choose(), ElementsAre(1, 1, 1, 1));
}

}  // namespace
}  // namespace upscaler
