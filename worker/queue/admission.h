// How much the service takes on at a time.
//
// What is admitted is held in memory until it is answered, so it is bounded: when
// the bound is reached, a request is refused at once, rather than left to grow old.
// The bound counts everything that was admitted and has not ended, wherever it is:
// being read, waiting, in the model, being written. So it is exact, whatever the
// replicas are at. See docs/adr/0003.

#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"

namespace upscaler {

class Admission;

// Places for the rows of one request, and bytes for its pictures. Given back when
// it goes. Move-only. Must not outlive its Admission. One thread at a time.
class Reservation {
 public:
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();

  // Changes how many bytes are held. kResourceExhausted when there are not so many
  // free; then nothing has changed. Asking for fewer always succeeds.
  absl::Status Resize(std::int64_t bytes);

  // Gives the rows' places back and keeps the bytes: the rows are answered, and their
  // pictures wait to be delivered.
  void ReleaseRows();

  std::size_t rows() const { return rows_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  friend class Admission;
  Reservation(Admission& admission, std::size_t rows, std::int64_t bytes)
      : admission_(&admission), rows_(rows), bytes_(bytes) {}

  Admission* admission_;  // Null once moved from.
  std::size_t rows_;
  std::int64_t bytes_;
};

// Thread-safe.
class Admission {
 public:
  struct Limits {
    std::size_t rows = 64;                         // At least 1.
    std::int64_t bytes = std::int64_t{256} << 20;  // Of pictures, encoded and decoded.
  };

  explicit Admission(const Limits& limits) : limits_(limits) {}
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Takes all or nothing. kResourceExhausted when there is no room, kUnavailable
  // once closed, kInvalidArgument when there is not so much in all. Never blocks.
  absl::StatusOr<Reservation> Reserve(std::size_t rows, std::int64_t bytes)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // kInvalidArgument naming the field when there is not so much in all, whatever is taken.
  absl::Status CheckLimits(std::size_t rows, std::int64_t bytes) const;

  // Refuses from now on; what was admitted stays. May be called more than once.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

  const Limits& limits() const { return limits_; }
  // Of what is admitted.
  std::size_t rows() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::int64_t bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class Reservation;

  // Whether `more` bytes can be had: see Reserve.
  absl::Status CheckBytes(std::int64_t held, std::int64_t more) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Resize(std::int64_t from, std::int64_t to) ABSL_LOCKS_EXCLUDED(mutex_);
  void Release(std::size_t rows, std::int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const Limits limits_;

  mutable Mutex mutex_;
  std::size_t rows_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace upscaler
