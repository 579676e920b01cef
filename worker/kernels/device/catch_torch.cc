#include "worker/kernels/device/catch_torch.h"

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include <c10/util/Exception.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

absl::Status OutOfMemoryError() {
  return WithReason(absl::ResourceExhaustedError("the device has no memory left for the picture"),
                    "OUT_OF_MEMORY");
}

// What follows it speaks of LibTorch's own insides.
std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

// Not every want of memory has a type of its own: the CPU's has none, nor have those of
// NVIDIA's libraries when they find no room for what they need themselves.
bool SpeaksOfWantOfMemory(std::string_view what) {
  return what.find("DefaultCPUAllocator") != std::string_view::npos ||
         what.find("ALLOC_FAILED") != std::string_view::npos;
}

// CUDA's number for want of memory. After other errors of a device its context is lost,
// and every later call would fail the same way.
constexpr int kCudaErrorMemoryAllocation = 2;

}  // namespace

absl::Status StatusFromCurrentException() {
  try {
    throw;
  } catch (const c10::OutOfMemoryError&) {
    return OutOfMemoryError();
  } catch (const c10::AcceleratorError& error) {
    if (error.get_error_code() == kCudaErrorMemoryAllocation) return OutOfMemoryError();
    return absl::UnavailableError(FirstLine(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string_view what = error.what_without_backtrace();
    if (SpeaksOfWantOfMemory(what)) return OutOfMemoryError();
    return absl::InternalError(FirstLine(what));
  } catch (const std::bad_alloc&) {
    return OutOfMemoryError();
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  } catch (...) {
    return absl::InternalError("an exception that is not a std::exception");
  }
}

}  // namespace upscaler
