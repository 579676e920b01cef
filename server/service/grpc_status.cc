#include "server/service/grpc_status.h"

#include <chrono>
#include <string>

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

constexpr const char* kDomain = "upscaler";

google::protobuf::Duration ToProto(std::chrono::milliseconds time) {
  google::protobuf::Duration duration;
  duration.set_seconds(time.count() / 1000);
  duration.set_nanos(static_cast<std::int32_t>(time.count() % 1000) * 1'000'000);
  return duration;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message(status.message());
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);

  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(ReasonOf(status).value_or(absl::StatusCodeToString(status.code())));
  details.add_details()->PackFrom(info);

  if (const auto field = FieldOf(status)) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(*field);
    violation->set_description(message);
    details.add_details()->PackFrom(bad_request);
  }
  if (const auto delay = RetryAfterOf(status)) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = ToProto(*delay);
    details.add_details()->PackFrom(retry);
  }
  // absl and gRPC number their codes alike.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      details.SerializeAsString());
}

}  // namespace upscaler
