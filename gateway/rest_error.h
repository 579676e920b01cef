// Errors as REST clients see them:
//
//   {"error": {"message": "n: 11 given; 1 to 10 is allowed",
//              "type": "invalid_request_error", "param": "n", "code": null}}

#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <nlohmann/json_fwd.hpp>

#include "gateway/http_message.h"

namespace upscaler {

// What to say about an error. Empty texts become null.
struct RestError {
  int status = 500;
  std::string message;
  std::string param{};  // The field at fault, by its REST name.
  std::string code{};   // In snake_case, for programs.
};

// A status of the gateway or of the service as REST says it, in REST's names of fields.
RestError ToRestError(const absl::Status& status);

// {"message": ..., "type": ..., "param": ..., "code": ...}
nlohmann::ordered_json DescribeError(const RestError& error);

// What the gateway itself says of a service that cannot serve now. Where a status that is
// kUnavailable has no reason it is gRPC's own, and clients hear nothing of its words.
absl::Status Unavailable(std::string_view why);

// Where an answer cannot be put together. The text of ten large pictures takes hundreds of
// megabytes for a moment: that shall cost the request, where an exception that leaves gRPC's
// thread costs the process.
absl::Status OutOfMemory();

// The answer that reports `error`. It carries x-should-retry: false where the
// same request would fail again.
HttpResponse ErrorResponse(const RestError& error);

// The answer for a status of the gateway or of the service. 429 and 503 come with
// Retry-After, a whole number of seconds and at least 1. Field names are turned
// into REST's.
HttpResponse ErrorResponse(const absl::Status& status);

}  // namespace upscaler
