#include "common/upload_budget.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// How soon another upload may have ended.
constexpr std::chrono::seconds kRetryPause{1};

}  // namespace

absl::Status UploadBudget::Share::Take(std::int64_t bytes) {
  UPSCALER_RETURN_IF_ERROR(budget_.Take(bytes));
  taken_ += bytes;
  return absl::OkStatus();
}

void UploadBudget::Share::GiveBack() { budget_.Give(std::exchange(taken_, 0)); }

std::int64_t UploadBudget::taken() const {
  MutexLock lock(mutex_);
  return taken_;
}

absl::Status UploadBudget::Take(std::int64_t bytes) {
  MutexLock lock(mutex_);
  if (bytes > bytes_ - taken_) {
    return WithRetryAfter(
        WithReason(absl::ResourceExhaustedError(fmt::format(
                       "too many bytes are being uploaded at once: {} of {}", taken_, bytes_)),
                   "UPLOADS_FULL"),
        kRetryPause);
  }
  taken_ += bytes;
  return absl::OkStatus();
}

void UploadBudget::Give(std::int64_t bytes) {
  MutexLock lock(mutex_);
  taken_ -= bytes;
}

}  // namespace upscaler
