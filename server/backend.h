// What works behind the doors once the model is loaded: the replicas, and the upscaler
// that gives them work.

#pragma once

#include <functional>
#include <memory>

#include "common/clock.h"
#include "common/thread_pool.h"
#include "server/load_engines.h"
#include "server/settings.h"
#include "worker/queue/admission.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/engine.h"
#include "worker/scheduler/observer.h"
#include "worker/scheduler/replica_pool.h"
#include "worker/upscaler.h"

namespace upscaler {

// Thread-safe, as its parts are.
class Backend {
 public:
  // What it works with. Borrowed; it outlives the backend.
  struct Surroundings {
    Admission& admission;
    RowQueue& queue;
    ThreadPool& image_pool;
    std::function<ServiceFacts()> service;  // See Upscaler::Options.
    const Clock& clock;
    Observer& observer;
    EngineSource& engines;
  };

  Backend(const Settings& settings, const Surroundings& surroundings, LoadedEngines loaded);

  // Waits until every request has ended, and takes the queue's replicas away. Waits for ever
  // for a device that hangs.
  ~Backend();

  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  Upscaler& upscaler() { return upscaler_; }
  ReplicaHealth health() const { return replicas_.health(); }

 private:
  RowQueue& queue_;
  const std::unique_ptr<CostModel> costs_;
  const SchedulerParts scheduler_;
  ReplicaPool replicas_;
  ThreadPool band_pool_;
  Upscaler upscaler_;
};

}  // namespace upscaler
