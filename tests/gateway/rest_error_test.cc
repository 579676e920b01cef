#include "gateway/rest_error.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error_details.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;

nlohmann::json ErrorIn(const HttpResponse& response) {
  return nlohmann::json::parse(response.body)["error"];
}

struct Mapping {
  absl::StatusCode code;
  int http_status;
  const char* type;
  const char* retry_after;   // Of the default delay; "" for no header.
  const char* should_retry;  // "" for no header.
};

class StatusMappingTest : public ::testing::TestWithParam<Mapping> {};

TEST_P(StatusMappingTest, GivesStatusTypeAndAdviceOnRetries) {
  const HttpResponse response = ErrorResponse(absl::Status(GetParam().code, "what went wrong"));

  EXPECT_EQ(response.status, GetParam().http_status);
  EXPECT_EQ(ErrorIn(response)["type"], GetParam().type);
  EXPECT_EQ(FindHeader(response.headers, "retry-after"), GetParam().retry_after);
  EXPECT_EQ(FindHeader(response.headers, "x-should-retry"), GetParam().should_retry);
}

INSTANTIATE_TEST_SUITE_P(
    RestError, StatusMappingTest,
    ::testing::Values(
        Mapping{absl::StatusCode::kInvalidArgument, 400, "invalid_request_error", "", "false"},
        Mapping{absl::StatusCode::kUnauthenticated, 401, "authentication_error", "", "false"},
        Mapping{absl::StatusCode::kPermissionDenied, 403, "permission_error", "", "false"},
        Mapping{absl::StatusCode::kNotFound, 404, "invalid_request_error", "", "false"},
        Mapping{absl::StatusCode::kAlreadyExists, 409, "invalid_request_error", "", "false"},
        Mapping{absl::StatusCode::kResourceExhausted, 429, "rate_limit_error", "5", ""},
        Mapping{absl::StatusCode::kCancelled, 503, "server_error", "5", ""},
        Mapping{absl::StatusCode::kInternal, 500, "server_error", "", "false"},
        Mapping{absl::StatusCode::kUnknown, 500, "server_error", "", "false"},
        Mapping{absl::StatusCode::kUnimplemented, 501, "server_error", "", "false"},
        Mapping{absl::StatusCode::kAborted, 503, "server_error", "5", ""},
        Mapping{absl::StatusCode::kUnavailable, 503, "server_error", "5", ""},
        Mapping{absl::StatusCode::kDeadlineExceeded, 504, "server_error", "", ""}));

TEST(RestErrorTest, HasAllFourKeysAlways) {
  const auto error = ErrorIn(ErrorResponse(absl::InternalError("a bug")));

  EXPECT_EQ(error.size(), 4U);
  EXPECT_EQ(error["message"], "a bug");
  EXPECT_TRUE(error["param"].is_null());
  EXPECT_TRUE(error["code"].is_null());
}

TEST(RestErrorTest, SpeaksOfFieldsByTheirRestNames) {
  const struct {
    const char* field;
    const char* param;
  } names[] = {{"image_count", "n"},
               {"spec.image_count", "n"},
               {"start.spec.guidance_scale", "guidance_scale"},
               {"quality", "output_compression"},
               {"resize_to", "size"},
               {"start.spec.resize_to.width", "size"},
               {"request_id", "Idempotency-Key"},
               {"after_sequence", "after"},
               {"page_token", "after"},
               {"image", "image"}};
  for (const auto& [field, param] : names) {
    const auto error = ErrorIn(ErrorResponse(InvalidField(field, "11 given; 1 to 10 is allowed")));

    EXPECT_EQ(error["param"], param);
    EXPECT_EQ(error["message"], std::string(param) + ": 11 given; 1 to 10 is allowed");
  }
}

TEST(RestErrorTest, TellsJobsThatAreGoneAndJobsThatAreNotDone) {
  const HttpResponse gone =
      ErrorResponse(WithReason(absl::NotFoundError("the job is gone"), "JOB_GONE"));
  const HttpResponse running = ErrorResponse(
      WithReason(absl::FailedPreconditionError("the job is not finished"), "JOB_NOT_FINISHED"));

  EXPECT_EQ(gone.status, 410);
  EXPECT_EQ(ErrorIn(gone)["code"], "job_gone");
  EXPECT_EQ(FindHeader(gone.headers, "x-should-retry"), "false");
  EXPECT_EQ(running.status, 409);
  EXPECT_EQ(FindHeader(running.headers, "x-should-retry"), "");
}

TEST(RestErrorTest, RoundsTheRetryDelayUpToWholeSeconds) {
  const auto retry_after = [](std::chrono::milliseconds delay) {
    const absl::Status status = WithRetryAfter(absl::ResourceExhaustedError("full"), delay);
    return std::string(FindHeader(ErrorResponse(status).headers, "Retry-After"));
  };

  EXPECT_EQ(retry_after(2001ms), "3");
  EXPECT_EQ(retry_after(2000ms), "2");
  EXPECT_EQ(retry_after(0ms), "1");
  EXPECT_EQ(retry_after(-5000ms), "1");
}

TEST(RestErrorTest, TellsApartByReasonWhatIsOneCodeToGrpc) {
  const struct {
    const char* reason;
    int http_status;
  } reasons[] = {
      {"BODY_TOO_LARGE", 413}, {"UNSUPPORTED_MEDIA_TYPE", 415}, {"UNSUPPORTED_IMAGE_FORMAT", 415}};
  for (const auto& [reason, http_status] : reasons) {
    const HttpResponse response =
        ErrorResponse(WithReason(absl::InvalidArgumentError("refused"), reason));

    EXPECT_EQ(response.status, http_status);
    EXPECT_EQ(FindHeader(response.headers, "x-should-retry"), "false");
  }
}

TEST(RestErrorTest, TellsAPictureThatNeverFitsFromAQueueThatIsFull) {
  const HttpResponse response =
      ErrorResponse(WithReason(absl::ResourceExhaustedError("no memory for it"), "OUT_OF_MEMORY"));

  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(ErrorIn(response)["code"], "out_of_memory");
  EXPECT_EQ(FindHeader(response.headers, "retry-after"), "");
  EXPECT_EQ(FindHeader(response.headers, "x-should-retry"), "false");
}

TEST(RestErrorTest, MakesACodeOfTheReasonUnlessItRepeatsTheStatus) {
  const absl::Status full = absl::ResourceExhaustedError("full");

  EXPECT_EQ(ErrorIn(ErrorResponse(WithReason(full, "QUEUE_FULL")))["code"], "queue_full");
  EXPECT_TRUE(ErrorIn(ErrorResponse(WithReason(full, "RESOURCE_EXHAUSTED")))["code"].is_null());
}

TEST(RestErrorTest, BearsBytesThatAreNotUtf8) {
  const HttpResponse response = ErrorResponse(absl::InvalidArgumentError("n: '\xff' given"));

  EXPECT_TRUE(nlohmann::json::accept(response.body));
}

}  // namespace
}  // namespace upscaler
