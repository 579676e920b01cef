// Where LibTorch's exceptions end.
//
// LibTorch throws; this service returns absl::Status, and an exception that
// leaves a replica's thread ends the process. So every call into worker/models
// goes through CatchTorch, and nothing above it has a try block for LibTorch.

#pragma once

#include <type_traits>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace upscaler {

// The status for the exception being handled: kResourceExhausted for want of
// memory on either side of the bus, kUnavailable when the device has failed,
// kInternal otherwise. Call it from a catch block only.
absl::Status StatusFromCurrentException();

// Runs `body` and returns what it returned, or the status for what it threw.
template <typename Body>
absl::StatusOr<std::invoke_result_t<Body>> CatchTorch(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    return StatusFromCurrentException();
  }
}

}  // namespace upscaler
