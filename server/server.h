// The composition root: builds the house from the settings, room by room, and
// takes it down again in order.

#pragma once

#include <memory>
#include <vector>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/thread_pool.h"
#include "gateway/gateway.h"
#include "server/observer_metrics.h"
#include "server/service/grpc_server.h"
#include "server/service/upscaler_service.h"
#include "server/settings.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/metrics_endpoint.h"
#include "worker/engine/torch_engine.h"
#include "worker/imaging/vips_library.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/replica.h"
#include "worker/upscaler.h"

namespace upscaler {

// Not thread-safe: main owns it.
class Server {
 public:
  // Loads the model and opens the doors; on return all of them answer. `logger`
  // must outlive the server. Fails with what an operator has to mend.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Settings& settings, Logger& logger);

  // As Drain with no time for anything, if Drain was not called.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Says "not ready", refuses new requests, and waits until those that were
  // admitted are answered; what is left after `drain_seconds` is cancelled. Then
  // the doors close.
  void Drain();

 private:
  using Engines = std::vector<std::unique_ptr<TorchEngine>>;

  static absl::StatusOr<Engines> LoadEngines(const Settings& settings, Logger& logger);

  Server(const Settings& settings, Logger& logger, std::unique_ptr<VipsLibrary> vips,
         Engines engines);

  absl::Status OpenDoors();

  const Settings settings_;
  Logger& logger_;
  const std::unique_ptr<VipsLibrary> vips_;
  SteadyClock clock_;
  RowQueue queue_;
  Metrics metrics_;
  ObserverMetrics observer_;
  ThreadPool image_pool_;
  Upscaler upscaler_;
  UpscalerService service_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::atomic<bool> ready_ = false;
  // The doors open last and close first. Null until then.
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<MetricsEndpoint> admin_;
};

}  // namespace upscaler
