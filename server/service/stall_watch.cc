#include "server/service/stall_watch.h"

#include <utility>

namespace upscaler {

StallWatch::Watched::Watched(StallWatch& watch, std::function<void()> on_stall)
    : watch_(watch), entry_(watch.Enter(std::move(on_stall))) {}

StallWatch::Watched::~Watched() { watch_.Leave(entry_); }

void StallWatch::Watched::Expect() {
  MutexLock lock(watch_.mutex_);
  entry_->due = watch_.clock_.Now() + watch_.patience_;
  entry_->expected = true;
}

void StallWatch::Watched::Rest() {
  MutexLock lock(watch_.mutex_);
  entry_->expected = false;
}

void StallWatch::Watched::Resume() {
  MutexLock lock(watch_.mutex_);
  entry_->expected = true;
}

void StallWatch::Look() {
  const TimePoint now = clock_.Now();
  MutexLock lock(mutex_);
  for (Entry& entry : entries_) {
    if (!entry.expected || entry.due > now) continue;
    entry.expected = false;
    entry.on_stall();
  }
}

std::list<StallWatch::Entry>::iterator StallWatch::Enter(std::function<void()> on_stall) {
  MutexLock lock(mutex_);
  return entries_.insert(entries_.end(), {.on_stall = std::move(on_stall)});
}

void StallWatch::Leave(std::list<Entry>::iterator entry) {
  MutexLock lock(mutex_);
  entries_.erase(entry);
  fewer_.notify_all();
}

void StallWatch::AwaitNobody(TimePoint deadline) {
  MutexLock lock(mutex_);
  while (!entries_.empty() && lock.WaitUntil(fewer_, deadline)) continue;
}

}  // namespace upscaler
