#include "client/grpc_error.h"

#include <chrono>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::Optional;

TEST(FromGrpcStatusTest, KeepsSuccess) { EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk()); }

TEST(FromGrpcStatusTest, KeepsCodeAndMessage) {
  const absl::Status status = FromGrpcStatus({grpc::StatusCode::UNAVAILABLE, "no route"});

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(status.message(), "no route");
  EXPECT_EQ(FieldOf(status), std::nullopt);
  EXPECT_EQ(ReasonOf(status), std::nullopt);
  EXPECT_EQ(RetryAfterOf(status), std::nullopt);
}

TEST(FromGrpcStatusTest, KeepsFieldReasonAndRetryDelay) {
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  google::rpc::BadRequest bad_request;
  bad_request.add_field_violations()->set_field("image_count");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(5'000'000);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  details.add_details()->PackFrom(bad_request);
  details.add_details()->PackFrom(retry);

  const absl::Status status =
      FromGrpcStatus({grpc::StatusCode::RESOURCE_EXHAUSTED, "full", details.SerializeAsString()});

  EXPECT_EQ(status.message(), "full");
  EXPECT_THAT(FieldOf(status), Optional(std::string("image_count")));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("QUEUE_FULL")));
  EXPECT_THAT(RetryAfterOf(status), Optional(2005ms));
}

TEST(FromGrpcStatusTest, LeavesOutDetailsThatCannotBeRead) {
  const absl::Status status =
      FromGrpcStatus({grpc::StatusCode::INTERNAL, "a bug", "\xff\xff no protobuf"});

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(ReasonOf(status), std::nullopt);
}

}  // namespace
}  // namespace upscaler
