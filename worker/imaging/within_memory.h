// Where want of memory for a picture ends.
//
// Pictures are the only things here whose size a client decides, so they are what
// memory runs out for. The standard library says so by an exception, which must
// not leave a thread.

#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include <absl/status/status.h>

#include "common/error_details.h"

namespace upscaler {

inline absl::Status OutOfMemory() {
  return WithReason(absl::ResourceExhaustedError("there is no memory left for the picture"),
                    "OUT_OF_MEMORY");
}

// Runs `body`, which returns an absl::StatusOr, and returns what it returned, or
// kResourceExhausted.
template <typename Body>
std::invoke_result_t<Body> WithinMemory(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

}  // namespace upscaler
