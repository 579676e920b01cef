#include "worker/queue/admission.h"

#include <cassert>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// When to try again at a server that is shutting down: another one has to take its
// place first.
constexpr std::chrono::seconds kReplacementTime{1};

absl::Status FullError(const std::string& message) {
  return WithReason(absl::ResourceExhaustedError(message), "QUEUE_FULL");
}

}  // namespace

Reservation::Reservation(Reservation&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      rows_(other.rows_),
      bytes_(other.bytes_) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  std::swap(admission_, other.admission_);
  std::swap(rows_, other.rows_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Reservation::~Reservation() {
  if (admission_ != nullptr) admission_->Release(rows_, bytes_);
}

void Reservation::ReleaseRows() { admission_->Release(std::exchange(rows_, 0), /*bytes=*/0); }

absl::Status Reservation::Resize(std::int64_t bytes) {
  UPSCALER_RETURN_IF_ERROR(admission_->Resize(bytes_, bytes));
  bytes_ = bytes;
  return absl::OkStatus();
}

Admission::~Admission() { assert(rows() == 0 && bytes() == 0); }

absl::Status Admission::CheckLimits(std::size_t rows, std::int64_t bytes) const {
  if (rows > limits_.rows) {
    return InvalidField(
        "image_count", fmt::format("the request is for {} pictures; at most {} are taken at a time",
                                   rows, limits_.rows));
  }
  if (bytes > limits_.bytes) {
    return InvalidField("image", fmt::format("the picture takes {} bytes of memory; at most {} are "
                                             "taken at a time",
                                             bytes, limits_.bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<Reservation> Admission::Reserve(std::size_t rows, std::int64_t bytes) {
  UPSCALER_RETURN_IF_ERROR(CheckLimits(rows, bytes));
  MutexLock lock(mutex_);
  if (closed_) {
    return WithRetryAfter(
        WithReason(absl::UnavailableError("the server is shutting down"), "DRAINING"),
        kReplacementTime);
  }
  if (rows_ + rows > limits_.rows) {
    return FullError(fmt::format("the queue is full: {} of {} places are taken, wanted {}", rows_,
                                 limits_.rows, rows));
  }
  UPSCALER_RETURN_IF_ERROR(CheckBytes(/*held=*/0, bytes));
  rows_ += rows;
  bytes_ += bytes;
  return Reservation(*this, rows, bytes);
}

void Admission::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

std::size_t Admission::rows() const {
  MutexLock lock(mutex_);
  return rows_;
}

std::int64_t Admission::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

absl::Status Admission::CheckBytes(std::int64_t held, std::int64_t more) const {
  UPSCALER_RETURN_IF_ERROR(CheckLimits(/*rows=*/0, held + more));
  if (bytes_ + more > limits_.bytes) {
    return FullError(fmt::format("the queue is full: {} of {} bytes are taken, wanted {}", bytes_,
                                 limits_.bytes, more));
  }
  return absl::OkStatus();
}

absl::Status Admission::Resize(std::int64_t from, std::int64_t to) {
  MutexLock lock(mutex_);
  if (to > from) UPSCALER_RETURN_IF_ERROR(CheckBytes(from, to - from));
  bytes_ += to - from;
  return absl::OkStatus();
}

void Admission::Release(std::size_t rows, std::int64_t bytes) {
  MutexLock lock(mutex_);
  assert(rows <= rows_ && bytes <= bytes_);
  rows_ -= rows;
  bytes_ -= bytes;
}

}  // namespace upscaler
