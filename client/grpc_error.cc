#include "client/grpc_error.h"

#include <chrono>
#include <utility>

#include <google/protobuf/any.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

std::chrono::milliseconds ToMilliseconds(const google::protobuf::Duration& duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos()));
}

absl::Status WithDetail(absl::Status status, const google::protobuf::Any& detail) {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
  if (detail.UnpackTo(&info)) return WithReason(std::move(status), info.reason());
  if (detail.UnpackTo(&bad_request) && bad_request.field_violations_size() > 0) {
    return WithField(std::move(status), bad_request.field_violations(0).field());
  }
  if (detail.UnpackTo(&retry)) {
    return WithRetryAfter(std::move(status), ToMilliseconds(retry.retry_delay()));
  }
  return status;
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  // absl and gRPC number their codes alike.
  absl::Status converted(static_cast<absl::StatusCode>(status.error_code()),
                         status.error_message());
  google::rpc::Status details;
  if (converted.ok() || !details.ParseFromString(status.error_details())) return converted;
  for (const google::protobuf::Any& detail : details.details()) {
    converted = WithDetail(std::move(converted), detail);
  }
  return converted;
}

}  // namespace upscaler
