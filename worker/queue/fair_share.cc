#include "worker/queue/fair_share.h"

#include <chrono>

namespace upscaler {
namespace {

double Seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

double FairShare::Enter(TimePoint::duration work) {
  return *finishes_.insert(virtual_time_ + Seconds(work));
}

void FairShare::Leave(double fair_finish, TimePoint::duration left) {
  const auto found = finishes_.find(fair_finish);
  const double owed = found == finishes_.end() ? 0 : fair_finish - virtual_time_;
  if (found != finishes_.end()) finishes_.erase(found);
  if (owed > Seconds(left)) {
    finishes_.insert(fair_finish - Seconds(left));
  } else {
    ServeSeconds(Seconds(left) - owed);
  }
}

void FairShare::Serve(TimePoint::duration work) { ServeSeconds(Seconds(work)); }

void FairShare::ServeSeconds(double left) {
  while (!finishes_.empty()) {
    const double sharers = static_cast<double>(finishes_.size());
    const double first = *finishes_.begin();
    const double until_first = (first - virtual_time_) * sharers;
    if (left < until_first) {
      virtual_time_ += left / sharers;
      return;
    }
    // The first row ends, and from then on there is more for each of the others.
    left -= until_first;
    virtual_time_ = first;
    finishes_.erase(finishes_.begin());
  }
}

}  // namespace upscaler
