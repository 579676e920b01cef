// What has to hold whatever happens, tried with things that happen at random.

#include "tests/worker/scheduler/scheduler_model.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Sanitizers are twenty times as slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kManyEvents = 50'000;
constexpr int kFewerEvents = 20'000;
#else
constexpr int kManyEvents = 1'000'000;
constexpr int kFewerEvents = 100'000;
#endif

namespace upscaler {
namespace {

using test::SchedulerModel;
using ::testing::Gt;
using ::testing::Le;
using ::testing::SizeIs;

using Plan = SchedulerModel::Plan;
using Report = SchedulerModel::Report;

// The seed that a failure has to be tried again with.
std::string SeedOf(const Plan& plan) { return "the plan's seed is " + std::to_string(plan.seed); }

TEST(SchedulerModelTest, KeepsItsPromisesThroughAMillionEvents) {
  const Plan plan = {.seed = 1,
                     .events = kManyEvents,
                     .loops = 3,
                     .deadlines = 30,
                     .cancels = 3,
                     .row_faults = 5,
                     .engine_faults = 1,
                     .tiled = 20};
  SCOPED_TRACE(SeedOf(plan));

  const Report report = SchedulerModel(plan).Run();

  // Everything that could happen did.
  EXPECT_THAT(report.refused, Gt(1000U));
  EXPECT_THAT(report.shared_passes, Gt(1000U));
  EXPECT_THAT(report.tiled_passes, Gt(1000U));
  EXPECT_THAT(report.parts_encoded, Gt(1000U));
  EXPECT_THAT(report.engines_broken, Gt(20U));
  EXPECT_THAT(report.answers, SizeIs(6));
}

TEST(SchedulerModelTest, KeepsItsPromisesWhereOnlyRowsOfOnePromptAreBatched) {
  const Plan plan = {.seed = 2,
                     .events = kFewerEvents,
                     .loops = 2,
                     .batching = Batching::kSamePrompt,
                     .deadlines = 30,
                     .cancels = 3,
                     .row_faults = 5,
                     .engine_faults = 1,
                     .tiled = 20};
  SCOPED_TRACE(SeedOf(plan));

  const Report report = SchedulerModel(plan).Run();

  EXPECT_THAT(report.shared_passes, Gt(kFewerEvents / 2000U));
}

TEST(SchedulerModelTest, KeepsItsPromisesWhereNoRowsAreBatched) {
  const Plan plan = {.seed = 3,
                     .events = kFewerEvents,
                     .loops = 2,
                     .batching = Batching::kNone,
                     .deadlines = 30,
                     .cancels = 3,
                     .row_faults = 5,
                     .engine_faults = 1,
                     .tiled = 20};
  SCOPED_TRACE(SeedOf(plan));

  const Report report = SchedulerModel(plan).Run();

  EXPECT_EQ(report.shared_passes, 0U);
}

TEST(SchedulerModelTest, IsTheSameEveryTime) {
  const Plan plan = {.seed = 4,
                     .events = 20'000,
                     .loops = 3,
                     .deadlines = 30,
                     .cancels = 3,
                     .row_faults = 5,
                     .engine_faults = 1,
                     .tiled = 20};

  EXPECT_TRUE(SchedulerModel(plan).Run() == SchedulerModel(plan).Run());
}

// One at a time on one device no row ends later than it would if all shared the device equally,
// but for the one step that cannot be interrupted. Parts of encodings are left out: while a row
// is encoded the others are stepped.
TEST(SchedulerModelTest, NobodyEndsLaterThanWithEqualShares) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Plan plan = {.seed = seed,
                       .events = kFewerEvents,
                       .max_batch = 1,
                       .tiled = 20,
                       .encodes_in_parts = false};
    SCOPED_TRACE(SeedOf(plan));
    SchedulerModel model(plan);

    EXPECT_THAT(model.Run().most_beyond_work, Le(model.full_pass()));
  }
}

// Rows that end before their time shift what is fair for the others, by no more than a few
// steps. Engines that break are left out: what has to be done again for a row keeps those
// behind it waiting.
TEST(SchedulerModelTest, NobodyStaysLongerThanTwiceTheirShareThoughOthersLeave) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Plan plan = {
        .seed = seed, .events = kFewerEvents, .max_batch = 1, .cancels = 3, .row_faults = 5};
    SCOPED_TRACE(SeedOf(plan));
    SchedulerModel model(plan);

    EXPECT_THAT(model.Run().most_beyond_double, Le(2 * model.full_pass()));
  }
}

TEST(SchedulerModelTest, BatchesMakeNobodyStayLongerThanThatByMoreThanABatch) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Plan plan = {.seed = seed, .events = kFewerEvents, .cancels = 3, .row_faults = 5};
    SCOPED_TRACE(SeedOf(plan));
    SchedulerModel model(plan);

    EXPECT_THAT(model.Run().most_beyond_double, Le(model.full_pass()));
  }
}

// A row that a loop has begun stays with it, also when another one has less to do. So it may
// have to wait for what else its loop has begun, but not for what keeps coming.
TEST(SchedulerModelTest, SeveralLoopsLetNobodyStarve) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Plan plan = {.seed = seed,
                       .events = kFewerEvents,
                       .loops = 3,
                       .deadlines = 30,
                       .cancels = 3,
                       .row_faults = 5,
                       .engine_faults = 1,
                       .tiled = 20};
    SCOPED_TRACE(SeedOf(plan));
    SchedulerModel model(plan);

    EXPECT_THAT(model.Run().most_beyond_double, Le(2 * model.longest_row()));
  }
}

}  // namespace
}  // namespace upscaler
