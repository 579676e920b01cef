#include "server/service/stall_watch.h"

#include <utility>

namespace upscaler {

StallWatch::Watched::Watched(StallWatch& watch, std::function<void()> on_stall)
    : watch_(watch), entry_(watch.Enter(std::move(on_stall))) {}

StallWatch::Watched::~Watched() { watch_.Leave(entry_); }

void StallWatch::Watched::Expect() {
  watch_.SetDue(entry_, watch_.clock_.Now() + watch_.patience_);
}

void StallWatch::Watched::Rest() { watch_.SetDue(entry_, TimePoint::max()); }

void StallWatch::Look() {
  const TimePoint now = clock_.Now();
  MutexLock lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.due > now) continue;
    entry.due = TimePoint::max();
    entry.on_stall();
  }
}

std::list<StallWatch::Entry>::iterator StallWatch::Enter(std::function<void()> on_stall) {
  MutexLock lock(mutex_);
  return entries_.insert(entries_.end(),
                         {.due = TimePoint::max(), .on_stall = std::move(on_stall)});
}

void StallWatch::Leave(std::list<Entry>::iterator entry) {
  MutexLock lock(mutex_);
  entries_.erase(entry);
}

void StallWatch::SetDue(std::list<Entry>::iterator entry, TimePoint due) {
  MutexLock lock(mutex_);
  entry->due = due;
}

}  // namespace upscaler
