// The worker's errors as gRPC clients see them.

#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace upscaler {

// The same code and message, with google.rpc details: ErrorInfo always (the
// reason given by WithReason, else the code's name), BadRequest where a field is
// named, RetryInfo where a retry can help.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace upscaler
