#include "common/error_details.h"

#include <chrono>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::StatusIs;
using ::testing::Eq;
using ::testing::Optional;

TEST(ErrorDetailsTest, InvalidFieldNamesTheFieldForPeopleAndPrograms) {
  const absl::Status status = InvalidField("n", "is 11, wanted 1 to 10");

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(std::string(status.message()), "n: is 11, wanted 1 to 10");
  EXPECT_THAT(FieldOf(status), Optional(Eq("n")));
}

TEST(ErrorDetailsTest, DetailsAreAddedWithoutLosingTheOthers) {
  const absl::Status status =
      WithRetryAfter(WithReason(InvalidField("image", "is empty"), "BAD_IMAGE"), 1500ms);

  EXPECT_THAT(FieldOf(status), Optional(Eq("image")));
  EXPECT_THAT(ReasonOf(status), Optional(Eq("BAD_IMAGE")));
  EXPECT_THAT(RetryAfterOf(status), Optional(1500ms));
  EXPECT_EQ(std::string(status.message()), "image: is empty");
}

TEST(ErrorDetailsTest, LaterDetailsReplaceEarlierOnes) {
  const absl::Status full = absl::ResourceExhaustedError("the queue is full");

  EXPECT_THAT(ReasonOf(WithReason(WithReason(full, "FIRST"), "SECOND")), Optional(Eq("SECOND")));
  EXPECT_THAT(RetryAfterOf(WithRetryAfter(WithRetryAfter(full, 1s), 2s)), Optional(2000ms));
}

TEST(ErrorDetailsTest, AbsentDetailsAreNothing) {
  const absl::Status status = absl::InternalError("a bug");

  EXPECT_EQ(FieldOf(status), std::nullopt);
  EXPECT_EQ(ReasonOf(status), std::nullopt);
  EXPECT_EQ(RetryAfterOf(status), std::nullopt);
}

TEST(ErrorDetailsTest, SuccessHasNoDetails) {
  const absl::Status status = WithRetryAfter(WithReason(absl::OkStatus(), "NONE"), 1s);

  EXPECT_EQ(ReasonOf(status), std::nullopt);
  EXPECT_EQ(RetryAfterOf(status), std::nullopt);
}

TEST(ErrorDetailsTest, RetryNowIsADetailToo) {
  EXPECT_THAT(RetryAfterOf(WithRetryAfter(absl::UnavailableError("loading"), 0ms)), Optional(0ms));
}

}  // namespace
}  // namespace upscaler
