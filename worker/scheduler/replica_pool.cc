#include "worker/scheduler/replica_pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <absl/status/status.h>

#include "common/error_details.h"

namespace upscaler {

ReplicaPool::ReplicaPool(const SchedulerParts& parts, EngineSource& source,
                         const std::vector<std::string>& devices,
                         std::vector<std::unique_ptr<Engine>> engines,
                         const Replica::Options& options)
    : parts_(parts), left_(engines.size()) {
  assert(devices.size() == engines.size());
  for (std::size_t i = 0; i < engines.size(); ++i) {
    Replica::Options own = options;
    own.device = devices[i];
    replicas_.push_back(std::make_unique<Replica>(parts, std::move(own), source,
                                                  std::move(engines[i]), [this] { OnGone(); }));
  }
}

void ReplicaPool::OnGone() {
  if (--left_ > 0) return;
  parts_.queue.Abandon(
      WithReason(absl::UnavailableError("no device is left that could do the work"), "NO_DEVICE"));
}

ReplicaHealth ReplicaPool::health() const {
  ReplicaHealth best = ReplicaHealth::kGone;
  ReplicaHealth worst = ReplicaHealth::kServing;
  for (const auto& replica : replicas_) {
    const ReplicaHealth health = replica->health();
    // Work in a stuck replica is lost until the process ends, however well others are.
    if (health == ReplicaHealth::kStuck) return health;
    best = std::min(best, health);
    if (health == ReplicaHealth::kLate) worst = health;
  }
  return std::max(best, worst);
}

std::size_t ReplicaPool::serving() const {
  return static_cast<std::size_t>(std::ranges::count_if(replicas_, [](const auto& replica) {
    const ReplicaHealth health = replica->health();
    return health == ReplicaHealth::kServing || health == ReplicaHealth::kLate;
  }));
}

}  // namespace upscaler
