// A body that comes into being while it is sent: its producer writes on any thread, the
// server reads when the client takes more.

#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/functional/function_ref.h>

#include "common/mutex.h"

namespace upscaler {

// Thread-safe. One producer, one reader.
class BodyPipe {
 public:
  using Callback = absl::AnyInvocable<void() &&>;

  BodyPipe() = default;
  BodyPipe(const BodyPipe&) = delete;
  BodyPipe& operator=(const BodyPipe&) = delete;

  // The producer's side. What is written where nobody reads any more is dropped, and so is
  // what comes after the end.
  void Write(std::string part) ABSL_LOCKS_EXCLUDED(mutex_);
  // The body is whole.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  // The body cannot be made whole: the connection is closed, so that the client sees it.
  void Break() ABSL_LOCKS_EXCLUDED(mutex_);
  // What was written and not taken yet.
  std::size_t waiting_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls `on_empty` as soon as everything was taken, perhaps before this returns, and on
  // the reader's thread. Never where the reader is gone first. One at a time.
  void WhenEmpty(Callback on_empty) ABSL_LOCKS_EXCLUDED(mutex_);

  // The reader's side.
  enum class Outcome { kBytes, kNothingYet, kEnd, kBroken };
  struct Taken {
    Outcome outcome = Outcome::kNothingYet;
    std::size_t bytes = 0;
  };
  // Moves up to `size` bytes to `buffer`. Where there is nothing yet, `pause` is called
  // before anything can be written, and `resume` once when something has been, on the
  // producer's thread; false from `pause` means that the reader cannot wait: kBroken then.
  Taken Take(char* buffer, std::size_t size, absl::FunctionRef<bool()> pause, Callback resume)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Nobody reads any more.
  void Abandon() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State { kOpen, kClosed, kBroken, kAbandoned };

  // Leaves kOpen, if it is open.
  void End(State state) ABSL_LOCKS_EXCLUDED(mutex_);
  // Up to `size` of the bytes that wait.
  std::size_t Move(char* buffer, std::size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kOpen;
  std::deque<std::string> parts_ ABSL_GUARDED_BY(mutex_);
  std::size_t taken_of_first_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  Callback resume_ ABSL_GUARDED_BY(mutex_);    // Null unless the reader waits.
  Callback on_empty_ ABSL_GUARDED_BY(mutex_);  // Null unless the producer waits.
};

}  // namespace upscaler
