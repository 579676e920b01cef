#include "server/service/grpc_status.h"

#include <chrono>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;

// The detail of type `Detail` in `status`, or a default one.
template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  Detail found;
  for (const auto& detail : details.details()) {
    if (detail.Is<Detail>()) detail.UnpackTo(&found);
  }
  return found;
}

TEST(GrpcStatusTest, KeepsCodeAndMessage) {
  const grpc::Status status = ToGrpcStatus(absl::DeadlineExceededError("too late"));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), "too late");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).domain(), "upscaler");
}

TEST(GrpcStatusTest, NamesTheFieldAtFault) {
  const grpc::Status status = ToGrpcStatus(InvalidField("prompt", "too long"));

  const auto details = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_EQ(details.field_violations_size(), 1);
  EXPECT_EQ(details.field_violations(0).field(), "prompt");
}

TEST(GrpcStatusTest, SaysWhenToTryAgainAndWhy) {
  const grpc::Status status = ToGrpcStatus(
      WithRetryAfter(WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL"), 2500ms));

  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "QUEUE_FULL");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(status).retry_delay().seconds(), 2);
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(status).retry_delay().nanos(), 500'000'000);
}

TEST(GrpcStatusTest, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

}  // namespace
}  // namespace upscaler
