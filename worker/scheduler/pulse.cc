#include "worker/scheduler/pulse.h"

#include <algorithm>

namespace upscaler {

Pulse::Work::Work(Pulse& pulse, TimePoint::duration expected) : pulse_(pulse) {
  const TimePoint::duration patience =
      std::max<TimePoint::duration>(kPatience * expected, kLeastPatience);
  pulse_.patience_ = patience;
  pulse_.late_at_ = pulse_.clock_.Now() + patience;
}

Pulse::Work::~Work() { pulse_.late_at_ = TimePoint::max(); }

PulseState Pulse::state() const {
  const TimePoint late_at = late_at_;
  const TimePoint now = clock_.Now();
  if (now < late_at) return PulseState::kFine;
  return now - late_at < patience_.load() ? PulseState::kLate : PulseState::kStuck;
}

}  // namespace upscaler
