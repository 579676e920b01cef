// The devices that a model can run on, by name.

#pragma once

#include <string_view>

#include <absl/status/statusor.h>
#include <c10/core/Device.h>

namespace upscaler {

// The device called `name`: "cpu", "cuda" or "cuda:<index>". For the latter
// LibTorch's CUDA library is loaded, which one process may do at any time and
// many times. kFailedPrecondition when the name is another, the library is not
// installed, or there is no such device.
absl::StatusOr<c10::Device> OpenDevice(std::string_view name);

}  // namespace upscaler
