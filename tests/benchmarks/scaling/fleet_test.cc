#include "benchmarks/scaling/fleet.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "benchmarks/scaling/traffic.h"

namespace upscaler::benchmark {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::Ge;
using ::testing::Le;

// A picture of two steps takes 4 s alone: 1 s to encode, 2 steps, 1 s to decode.
constexpr int kSteps = 2;
constexpr TimePoint::duration kAlone = 4s;

Costs LinearCosts() {
  return {.device = "", .start = 30s, .encode = 1s, .decode = 1s, .step = {{1, 1s}}};
}

std::vector<TimePoint> At(const std::vector<TimePoint::duration>& moments) {
  std::vector<TimePoint> arrivals;
  for (const auto moment : moments) arrivals.push_back(TimePoint() + moment);
  return arrivals;
}

std::vector<TimePoint> Steady(double rate, std::chrono::seconds length) {
  return Arrivals({{.at = 0s, .rate = rate}, {.at = length, .rate = rate}}, /*seed=*/1);
}

auto LatencyIs(TimePoint::duration latency) { return Field(&Outcome::latency, latency); }

TEST(FleetTest, APictureAloneTakesWhatItCosts) {
  const Costs costs = LinearCosts();

  const FleetReport report = Fleet(costs, {.steps = kSteps}).Run(At({10s}));

  ASSERT_EQ(report.outcomes.size(), 1);
  EXPECT_THAT(report.outcomes[0], LatencyIs(kAlone));
  EXPECT_EQ(report.outcomes[0].wait, 0s);
  EXPECT_EQ(report.busy, kAlone);
}

TEST(FleetTest, ServersTakeTurns) {
  const Costs costs = LinearCosts();

  const FleetReport report = Fleet(costs, {.servers = 2, .steps = kSteps}).Run(At({1s, 2s, 10s}));

  EXPECT_THAT(report.outcomes, Each(LatencyIs(kAlone)));
}

TEST(FleetTest, DevicesOfAServerWorkAtTheSameTime) {
  const Costs costs = LinearCosts();

  const FleetReport report =
      Fleet(costs, {.server = {.devices = 2}, .steps = kSteps}).Run(At({1s, 2s}));

  EXPECT_THAT(report.outcomes, Each(LatencyIs(kAlone)));
}

TEST(FleetTest, PicturesThatShareStepsAreDoneSooner) {
  Costs costs = LinearCosts();
  costs.step = {{1, 1s}, {2, 1s}, {4, 1s}};

  const FleetReport report = Fleet(costs, {.steps = kSteps}).Run(At({10s, 10s}));

  // Both are encoded, stepped together and decoded; by turns it would be 8 s.
  EXPECT_THAT(report.outcomes, Each(Field(&Outcome::latency, Le(7s))));
}

TEST(FleetTest, WhoIsRefusedComesAgainAndIsAnswered) {
  const Costs costs = LinearCosts();

  const FleetReport report =
      Fleet(costs, {.server = {.queue_capacity = 1}, .steps = kSteps}).Run(At({10s, 11s}));

  EXPECT_EQ(report.outcomes[0].refusals, 0);
  EXPECT_THAT(report.outcomes[1],
              AllOf(Field(&Outcome::refusals, Ge(1)), Field(&Outcome::answers, 1),
                    Field(&Outcome::latency, Ge(7s))));
}

TEST(FleetTest, EveryPictureIsAnsweredOnceOrGivenUpAfterFiveRefusals) {
  const Costs costs = LinearCosts();
  const std::vector<TimePoint> arrivals = Steady(/*rate=*/2, 10min);

  const FleetReport report =
      Fleet(costs, {.server = {.queue_capacity = 8}, .servers = 3, .steps = kSteps}).Run(arrivals);

  ASSERT_EQ(report.outcomes.size(), arrivals.size());
  std::size_t given_up = 0;
  for (const Outcome& outcome : report.outcomes) {
    EXPECT_EQ(outcome.answers, outcome.refusals == 5 ? 0 : 1);
    given_up += outcome.answers == 0 ? 1 : 0;
  }
  EXPECT_GT(given_up, 0);
  EXPECT_EQ(report.busy, (arrivals.size() - given_up) * kAlone);
}

TEST(FleetTest, AutoscalingAddsServersThatStartForAWhileAndTakesThemAway) {
  const Costs costs = LinearCosts();
  std::vector<TimePoint> arrivals = Steady(/*rate=*/1, 10min);
  arrivals.push_back(TimePoint() + 60min);

  const FleetReport report =
      Fleet(costs, {.autoscaler = Autoscaler::Options{.target = 2, .least = 1, .most = 8},
                    .steps = kSteps})
          .Run(arrivals);

  const auto most = std::ranges::max(report.states, {}, &FleetState::ready).ready;
  EXPECT_THAT(most, AllOf(Ge(4), Le(8)));
  EXPECT_THAT(report.states[1], Field(&FleetState::ready, 1));  // At 30 s the others still start.
  EXPECT_THAT(report.states[1], Field(&FleetState::starting, Ge(1)));
  EXPECT_EQ(report.states.back().ready, 1);
  EXPECT_THAT(report.outcomes, Each(Field(&Outcome::answers, 1)));
}

TEST(FleetTest, AServerThatIsTakenAwayDoesWhatItHasAdmitted) {
  Costs costs = LinearCosts();
  costs.decode = 20min;

  const FleetReport report =
      Fleet(costs, {.servers = 2,
                    .autoscaler = Autoscaler::Options{.target = 100, .least = 1, .most = 2},
                    .steps = kSteps})
          .Run(At({1s, 2s}));

  EXPECT_THAT(report.outcomes, Each(Field(&Outcome::answers, 1)));
  EXPECT_EQ(report.states.back().ready, 1);
}

}  // namespace
}  // namespace upscaler::benchmark
