#include "client/retry.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/fake_clock.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Lt;
using ::testing::Optional;

const absl::Status kUnreachable = absl::UnavailableError("no route");

absl::Status Full(std::chrono::milliseconds retry_after) {
  return WithRetryAfter(absl::ResourceExhaustedError("full"), retry_after);
}

// Without jitter.
std::optional<std::chrono::milliseconds> Delay(
    const absl::Status& status, int attempts = 1,
    std::optional<std::chrono::milliseconds> time_left = std::nullopt) {
  return RetryDelay({.max_attempts = 10, .first_delay = 100ms, .max_delay = 1s}, status, attempts,
                    time_left, 0.0);
}

TEST(RetryDelayTest, WaitsTwiceAsLongEachTimeUpToTheCap) {
  std::vector<std::optional<std::chrono::milliseconds>> delays;
  for (int attempts = 1; attempts <= 6; ++attempts) {
    delays.push_back(Delay(kUnreachable, attempts));
  }

  EXPECT_THAT(delays, ::testing::ElementsAre(100ms, 200ms, 400ms, 800ms, 1s, 1s));
}

TEST(RetryDelayTest, WaitsAtLeastAsLongAsTheServerSays) {
  EXPECT_THAT(Delay(Full(7s)), Optional(7s));
  EXPECT_THAT(Delay(Full(7s), 5), Optional(7s));
  EXPECT_THAT(Delay(WithRetryAfter(kUnreachable, 3s)), Optional(3s));
}

TEST(RetryDelayTest, DoesNotSpinWhateverTheServerSays) {
  EXPECT_THAT(Delay(Full(0ms)), Optional(100ms));
  EXPECT_THAT(Delay(Full(-5s)), Optional(100ms));
}

TEST(RetryDelayTest, RetriesNothingElse) {
  EXPECT_EQ(Delay(absl::ResourceExhaustedError("out of memory")), std::nullopt);
  EXPECT_EQ(Delay(WithRetryAfter(absl::InternalError("a bug"), 1s)), std::nullopt);
  EXPECT_EQ(Delay(absl::InvalidArgumentError("image: no")), std::nullopt);
  EXPECT_EQ(Delay(absl::DeadlineExceededError("late")), std::nullopt);
  EXPECT_EQ(Delay(absl::CancelledError("gone")), std::nullopt);
  EXPECT_EQ(Delay(absl::UnauthenticatedError("no key")), std::nullopt);
}

TEST(RetryDelayTest, NeverWaitsBeyondTheTimeLeft) {
  EXPECT_EQ(Delay(Full(7s), 1, 7s), std::nullopt);
  EXPECT_THAT(Delay(Full(7s), 1, 7001ms), Optional(7s));
}

TEST(RetryDelayTest, EndsWithTheAttempts) {
  EXPECT_THAT(Delay(kUnreachable, 9), Optional(1s));
  EXPECT_EQ(Delay(kUnreachable, 10), std::nullopt);
  EXPECT_EQ(RetryDelay(kNoRetries, kUnreachable, 1, std::nullopt, 0.0), std::nullopt);
}

TEST(RetryDelayTest, GoesOnForAsLongAsTheTimeAllowsIfToldSo) {
  const RetryOptions endless{.max_attempts = std::nullopt, .max_delay = 1s};

  EXPECT_THAT(RetryDelay(endless, kUnreachable, 1'000'000, 2s, 0.0), Optional(1s));
  EXPECT_EQ(RetryDelay(endless, kUnreachable, 1'000'000, 1s, 0.0), std::nullopt);
}

TEST(RetryDelayTest, LengthensWaitsByUpToAHalf) {
  EXPECT_THAT(RetryDelay({}, Full(2s), 1, std::nullopt, 0.5), Optional(2500ms));
  EXPECT_THAT(RetryDelay({}, Full(2s), 1, std::nullopt, 0.999999), Optional(AllOf(Ge(2s), Lt(3s))));
}

TEST(RetryDelayTest, TakesAnAbsurdWaitForANo) {
  EXPECT_EQ(Delay(Full(std::chrono::milliseconds::max())), std::nullopt);
}

TEST(RetryScheduleTest, GivesUpAfterItsTime) {
  test::FakeClock clock;
  RetrySchedule schedule({.max_attempts = std::nullopt, .give_up_after = 10s}, std::nullopt, clock);

  EXPECT_NE(schedule.Next(Full(5s)), std::nullopt);
  clock.Advance(6s);
  EXPECT_EQ(schedule.Next(Full(5s)), std::nullopt);
}

TEST(RetryScheduleTest, KeepsTheTimeoutOfTheWhole) {
  test::FakeClock clock;
  RetrySchedule schedule({.give_up_after = 1h}, 10s, clock);

  clock.Advance(4s);
  EXPECT_THAT(schedule.time_left(), Optional(6s));
  EXPECT_EQ(schedule.Next(Full(6s)), std::nullopt);
  clock.Advance(1min);
  EXPECT_THAT(schedule.time_left(), Optional(0s));
}

TEST(RetryScheduleTest, CountsAnewAfterSuccess) {
  test::FakeClock clock;
  RetrySchedule schedule({.max_attempts = 2}, std::nullopt, clock);
  EXPECT_NE(schedule.Next(kUnreachable), std::nullopt);

  schedule.Restart();

  EXPECT_NE(schedule.Next(kUnreachable), std::nullopt);
  EXPECT_EQ(schedule.Next(kUnreachable), std::nullopt);
}

TEST(RetryScheduleTest, RepeatsItselfForTheSameSeed) {
  test::FakeClock clock;
  RetrySchedule one({.seed = 7}, std::nullopt, clock);
  RetrySchedule same({.seed = 7}, std::nullopt, clock);
  RetrySchedule other({.seed = 8}, std::nullopt, clock);

  const auto delay = one.Next(Full(1h));

  EXPECT_EQ(delay, same.Next(Full(1h)));
  EXPECT_NE(delay, other.Next(Full(1h)));
}

}  // namespace
}  // namespace upscaler
