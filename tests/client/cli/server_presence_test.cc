#include "client/cli/server_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;

const absl::Status kNoRoute = absl::UnavailableError("no route");

class ServerPresenceTest : public ::testing::Test {
 protected:
  test::FakeClock clock_;
  ServerPresence server_{"there:1", 10s, clock_};
};

TEST_F(ServerPresenceTest, GivesUpWhatHasBeenSilentForTooLong) {
  server_.Heard(kNoRoute);
  clock_.Advance(9s);
  server_.Heard(kNoRoute);
  ASSERT_THAT(server_.status(), IsOk());

  clock_.Advance(1s);
  server_.Heard(kNoRoute);

  EXPECT_THAT(server_.status(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server_.status().message(),
            "cannot reach the server at there:1, silent for 10 s: no route");
  EXPECT_TRUE(server_.given_up().stop_requested());
}

TEST_F(ServerPresenceTest, DoesNotWaitForATryThatWouldComeTooLate) {
  server_.Heard(kNoRoute, 9s);
  ASSERT_THAT(server_.status(), IsOk());

  server_.Heard(kNoRoute, 10s);

  EXPECT_THAT(server_.status(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ServerPresenceTest, CountsAnewAfterAnyAnswer) {
  const absl::Status draining = WithReason(absl::UnavailableError("draining"), "DRAINING");
  for (const absl::Status& answer :
       {absl::OkStatus(), draining, absl::InvalidArgumentError("image: no")}) {
    server_.Heard(kNoRoute);
    clock_.Advance(6s);
    server_.Heard(answer);
    clock_.Advance(6s);
    server_.Heard(kNoRoute);
  }

  EXPECT_THAT(server_.status(), IsOk());
}

TEST_F(ServerPresenceTest, DoesNotTakeACallThatHasNotFailedYetForSilence) {
  clock_.Advance(1h);

  server_.Heard(kNoRoute);

  EXPECT_THAT(server_.status(), IsOk());
}

TEST_F(ServerPresenceTest, TakesATimeThatIsOverForNoAnswer) {
  server_.Heard(absl::DeadlineExceededError("late"));
  clock_.Advance(10s);
  server_.Heard(absl::DeadlineExceededError("late"));

  EXPECT_THAT(server_.status(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ServerPresenceTest, KeepsTheFirstReason) {
  server_.GiveUp(absl::UnavailableError("it has ended"));
  server_.GiveUp(kNoRoute);
  server_.Heard(absl::OkStatus());

  EXPECT_EQ(server_.status().message(), "it has ended");
}

TEST(PatientServerPresenceTest, NeverGivesUpForSilence) {
  test::FakeClock clock;
  ServerPresence server("there:1", std::nullopt, clock);

  server.Heard(kNoRoute);
  clock.Advance(1h);
  server.Heard(kNoRoute);

  EXPECT_THAT(server.status(), IsOk());
}

}  // namespace
}  // namespace upscaler
