// A call of one message each way, in one line.

#pragma once

#include <absl/status/statusor.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "client/call_options.h"
#include "client/grpc_error.h"
#include "common/status_macros.h"

namespace upscaler {

// Calls `method` of `stub` and waits for its answer. kInvalidArgument where Prepare
// refuses the options; otherwise errors are the server's.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> CallUnary(Stub& stub,
                                   grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                const Request&, Response*),
                                   const Request& request, const CallOptions& options) {
  grpc::ClientContext context;
  UPSCALER_RETURN_IF_ERROR(Prepare(context, options));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpcStatus(status);
  return response;
}

}  // namespace upscaler
