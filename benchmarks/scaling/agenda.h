// What happens when in simulated time, one thing after the other.

#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "tests/support/fake_clock.h"

namespace upscaler::benchmark {

// Not thread-safe.
class Agenda {
 public:
  using Action = std::function<void()>;

  // Has `action` happen then, after what was to happen at the same moment.
  void At(TimePoint moment, Action action) {
    events_.push({.moment = moment, .number = ++last_number_, .action = std::move(action)});
  }

  // Until nothing is to happen any more.
  void Run() {
    while (!events_.empty()) {
      Event event = events_.top();
      events_.pop();
      SetClock(event.moment);
      event.action();
    }
  }

  // Does `work`, which advances the clock, and answers when it ends. It is still the moment
  // at which it began: others do their work at the same time.
  TimePoint EndOf(const Action& work) {
    const TimePoint start = clock_.Now();
    work();
    const TimePoint end = clock_.Now();
    SetClock(start);
    return end;
  }

  test::FakeClock& clock() { return clock_; }
  TimePoint Now() const { return clock_.Now(); }

 private:
  struct Event {
    TimePoint moment;
    std::uint64_t number = 0;
    Action action;

    bool operator>(const Event& other) const {
      return moment != other.moment ? moment > other.moment : number > other.number;
    }
  };

  void SetClock(TimePoint moment) { clock_.Advance(moment - clock_.Now()); }

  test::FakeClock clock_;
  std::uint64_t last_number_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace upscaler::benchmark
