// Whether a thread that drives a device still gets on.
//
// A forward pass that hangs cannot be interrupted, so all that can be done about it is to
// notice, and to let whoever watches over the process start another.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "common/clock.h"

namespace upscaler {

enum class PulseState {
  kFine,
  kLate,   // Longer than it should take: better send nothing more here.
  kStuck,  // So long that it will not end.
};

// Written by one thread, read by any.
class Pulse {
 public:
  // Work is late after so many times its expected duration, and at the earliest after
  // so long: estimates of short work are off by more. Stuck is twice of either.
  static constexpr int kPatience = 5;
  static constexpr std::chrono::seconds kLeastPatience{4};

  // `clock` must outlive the pulse.
  explicit Pulse(const Clock& clock) : clock_(clock) {}

  // Work goes on from construction to destruction. One at a time.
  class Work {
   public:
    Work(Pulse& pulse, TimePoint::duration expected);
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

   private:
    Pulse& pulse_;
  };

  PulseState state() const;

 private:
  const Clock& clock_;
  // When the work that goes on is late; max() while none does. And how long after that
  // it is stuck. Two values that are read a moment apart make no wrong alarm: a new piece
  // of work is late only after a while.
  std::atomic<TimePoint> late_at_ = TimePoint::max();
  std::atomic<TimePoint::duration> patience_{};
};

// The two kinds of work of a replica.
struct Pulses {
  explicit Pulses(const Clock& clock) : steps(clock), decoding(clock) {}

  PulseState state() const { return std::max(steps.state(), decoding.state()); }

  Pulse steps;
  Pulse decoding;
};

}  // namespace upscaler
