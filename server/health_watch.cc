#include "server/health_watch.h"

#include <optional>
#include <utility>

namespace upscaler {

Vitals VitalsOf(ReplicaHealth replicas, bool draining) {
  const bool lost = replicas == ReplicaHealth::kStuck || replicas == ReplicaHealth::kGone;
  return {.live = !lost, .ready = replicas == ReplicaHealth::kServing && !draining};
}

HealthWatch::HealthWatch(std::function<ReplicaHealth()> look,
                         std::function<void(const Vitals&)> tell, RowQueue& queue,
                         std::chrono::milliseconds interval)
    : look_(std::move(look)),
      tell_(std::move(tell)),
      interval_(interval),
      queue_(queue),
      thread_(&HealthWatch::Run, this) {
  AwaitTold(Phase::kServing);
}

HealthWatch::~HealthWatch() {
  const MutexLock lock(mutex_);
  wanted_ = Phase::kEnding;
  changed_.notify_all();
}

void HealthWatch::Drain() {
  {
    const MutexLock lock(mutex_);
    wanted_ = Phase::kDraining;
    changed_.notify_all();
  }
  AwaitTold(Phase::kDraining);
}

void HealthWatch::Run() {
  std::optional<Vitals> told;
  Phase phase = Phase::kServing;
  while (phase != Phase::kEnding) {
    const Vitals vitals = VitalsOf(look_(), phase == Phase::kDraining);
    if (told != vitals) tell_(vitals);
    told = vitals;
    queue_.DropDeparted();
    queue_.TellPlaces();
    phase = AwaitNextLook(phase);
  }
}

HealthWatch::Phase HealthWatch::AwaitNextLook(Phase phase) {
  const auto next = std::chrono::steady_clock::now() + interval_;
  MutexLock lock(mutex_);
  told_ = phase;
  changed_.notify_all();
  while (wanted_ == phase && lock.WaitUntil(changed_, next)) continue;
  return wanted_;
}

void HealthWatch::AwaitTold(Phase phase) {
  MutexLock lock(mutex_);
  while (told_ < phase) lock.Wait(changed_);
}

}  // namespace upscaler
