#include "gateway/body_pipe.h"

#include <algorithm>
#include <utility>

namespace upscaler {
namespace {

// Callbacks are called without the lock, as they may use the pipe.
void CallIfAny(BodyPipe::Callback callback) {
  if (callback != nullptr) std::move(callback)();
}

}  // namespace

void BodyPipe::Write(std::string part) {
  if (part.empty()) return;
  Callback resume;
  {
    const MutexLock lock(mutex_);
    if (state_ != State::kOpen) return;
    waiting_bytes_ += part.size();
    parts_.push_back(std::move(part));
    resume = std::exchange(resume_, nullptr);
  }
  CallIfAny(std::move(resume));
}

void BodyPipe::Close() { End(State::kClosed); }

void BodyPipe::Break() { End(State::kBroken); }

void BodyPipe::End(State state) {
  Callback resume;
  {
    const MutexLock lock(mutex_);
    if (state_ != State::kOpen) return;
    state_ = state;
    resume = std::exchange(resume_, nullptr);
  }
  CallIfAny(std::move(resume));
}

std::size_t BodyPipe::waiting_bytes() const {
  const MutexLock lock(mutex_);
  return waiting_bytes_;
}

void BodyPipe::WhenEmpty(Callback on_empty) {
  {
    const MutexLock lock(mutex_);
    if (state_ == State::kAbandoned) return;
    if (waiting_bytes_ > 0) {
      on_empty_ = std::move(on_empty);
      return;
    }
  }
  std::move(on_empty)();
}

BodyPipe::Taken BodyPipe::Take(char* buffer, std::size_t size, absl::FunctionRef<bool()> pause,
                               Callback resume) {
  Callback on_empty;
  std::size_t bytes = 0;
  {
    const MutexLock lock(mutex_);
    if (state_ == State::kBroken || state_ == State::kAbandoned) return {Outcome::kBroken};
    if (parts_.empty()) {
      if (state_ == State::kClosed) return {Outcome::kEnd};
      if (!pause()) return {Outcome::kBroken};
      resume_ = std::move(resume);
      return {Outcome::kNothingYet};
    }
    bytes = Move(buffer, size);
    if (parts_.empty()) on_empty = std::exchange(on_empty_, nullptr);
  }
  CallIfAny(std::move(on_empty));
  return {Outcome::kBytes, bytes};
}

std::size_t BodyPipe::Move(char* buffer, std::size_t size) {
  std::size_t moved = 0;
  while (moved < size && !parts_.empty()) {
    const std::string& first = parts_.front();
    const std::size_t bytes = std::min(size - moved, first.size() - taken_of_first_);
    std::copy_n(first.data() + taken_of_first_, bytes, buffer + moved);
    moved += bytes;
    taken_of_first_ += bytes;
    if (taken_of_first_ == first.size()) {
      parts_.pop_front();
      taken_of_first_ = 0;
    }
  }
  waiting_bytes_ -= moved;
  return moved;
}

void BodyPipe::Abandon() {
  // What the callbacks hold is let go of without the lock.
  Callback resume;
  Callback on_empty;
  std::deque<std::string> parts;
  const MutexLock lock(mutex_);
  state_ = State::kAbandoned;
  resume = std::exchange(resume_, nullptr);
  on_empty = std::exchange(on_empty_, nullptr);
  parts.swap(parts_);
  waiting_bytes_ = 0;
}

}  // namespace upscaler
