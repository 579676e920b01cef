// What a call carries beside its message: who asks, under what name, for how long.

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <grpcpp/client_context.h>

namespace upscaler {

struct CallOptions {
  std::string api_key{};     // Empty: none is sent.
  std::string request_id{};  // For the server's log; empty: it makes one.
  // The trace that the call is a part of, as the headers of those names have it in W3C
  // Trace Context. Empty: none is sent; the second needs the first.
  std::string traceparent{};
  std::string tracestate{};
  // For the whole call; none: no limit.
  std::optional<std::chrono::milliseconds> timeout{};
};

// Sets up `context` for a call with these options. kInvalidArgument where one of
// the texts has characters that metadata cannot carry: only ASCII that can be seen, and
// inner spaces, are allowed. The message does not repeat them.
absl::Status Prepare(grpc::ClientContext& context, const CallOptions& options);

}  // namespace upscaler
