// The server's errors, from gRPC's form into the project's.

#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace upscaler {

// The same code and message. The google.rpc details that came with it become the
// details of common/error_details.h: BadRequest's first field, ErrorInfo's
// reason, RetryInfo's delay. Details that cannot be read are left out.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace upscaler
