// What an error says beyond its code and message: the field that is at fault,
// the reason in one word, and when a retry can help.
//
// The details travel inside absl::Status as payloads, so that the worker's rooms
// can name a field without knowing gRPC; server/service turns them into
// google.rpc messages.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace upscaler {

// kInvalidArgument that names `field`, as the API spells it. The message should
// say what was given and what is allowed.
absl::Status InvalidField(std::string_view field, std::string_view message);

// The same error naming `field`, its message as it is.
absl::Status WithField(absl::Status status, std::string_view field);

// The same error with a reason for programs to branch on: UPPER_SNAKE_CASE.
absl::Status WithReason(absl::Status status, std::string_view reason);

// The same error with the time after which a retry can succeed.
absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds delay);

// kUnavailable, reason DRAINING: the server ends, and another one may take the request.
absl::Status DrainingError();

// The details, where they were given.
std::optional<std::string> FieldOf(const absl::Status& status);
std::optional<std::string> ReasonOf(const absl::Status& status);
std::optional<std::chrono::milliseconds> RetryAfterOf(const absl::Status& status);

}  // namespace upscaler
