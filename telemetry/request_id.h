// The name under which one request appears in logs and in its answer.

#pragma once

#include <string>
#include <string_view>

namespace upscaler {

// A new id: 128 random bits as 32 hexadecimal digits. Thread-safe.
std::string MakeRequestId();

// Whether a client may call its request this: 1 to 128 characters, each a letter
// or digit of ASCII or one of "._-". Such an id is safe in a log line and in a
// header.
bool IsRequestId(std::string_view offered);

// The id that the client offered, or a new one where it is absent (empty) or not
// an IsRequestId. Thread-safe.
std::string RequestIdFrom(std::string_view offered);

}  // namespace upscaler
