// Errors as REST clients see them:
//
//   {"error": {"message": "n: 11 given; 1 to 10 is allowed",
//              "type": "invalid_request_error", "param": "n", "code": null}}

#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "gateway/http_message.h"

namespace upscaler {

// What to say about an error. Empty texts become null.
struct RestError {
  int status = 500;
  std::string message;
  std::string param{};  // The field at fault, by its REST name.
  std::string code{};   // In snake_case, for programs.
};

// The answer that reports `error`. It carries x-should-retry: false where the
// same request would fail again.
HttpResponse ErrorResponse(const RestError& error);

// The answer for a status of the gateway or of the service. 429 and 503 come with
// Retry-After, a whole number of seconds and at least 1. Field names are turned
// into REST's.
HttpResponse ErrorResponse(const absl::Status& status);

}  // namespace upscaler
