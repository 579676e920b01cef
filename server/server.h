// The composition root: builds the house from the settings, room by room, and
// takes it down again in order.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/thread_pool.h"
#include "common/ticker.h"
#include "common/upload_budget.h"
#include "gateway/backends.h"
#include "gateway/gateway.h"
#include "server/access/access_control.h"
#include "server/backend.h"
#include "server/device_memory_watch.h"
#include "server/health_watch.h"
#include "server/jobs/job_store.h"
#include "server/model_digest.h"
#include "server/observer_metrics.h"
#include "server/service/grpc_server.h"
#include "server/service/job_service.h"
#include "server/service/stall_watch.h"
#include "server/service/upscaler_service.h"
#include "server/settings.h"
#include "server/tracing.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/metrics_endpoint.h"
#include "worker/imaging/vips_library.h"
#include "worker/queue/admission.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/engine.h"
#include "worker/upscaler.h"

namespace upscaler {

// Not thread-safe: one thread owns it.
class Server {
 public:
  // Opens the doors: on return all of them answer, health with "not ready", requests with
  // LOADING. What is passed by reference, the settings excepted, must outlive the server.
  // Fails with what an operator has to mend.
  static absl::StatusOr<std::unique_ptr<Server>> Open(const Settings& settings, const Clock& clock,
                                                      Logger& logger);

  // Ends what is left to do at a step boundary, each request with a status, and closes the
  // doors. Waits for ever for a device that hangs: see Drain.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Makes the engines and all that works with them, and takes requests from then on. Blocks
  // meanwhile. `engines` must outlive the server. Once. Fails with what an operator has to
  // mend.
  absl::Status Load(EngineSource& engines);

  // Says "not ready" and goes on serving for `drain_delay_seconds`; then refuses new
  // requests and waits until those that were admitted are answered; what is left after
  // `drain_seconds` is ended with DRAINING. Then the doors close. Once, after Load. An error
  // means that a device hangs, with a request in it: then nothing can take the server down in
  // order, and the process should end as it is.
  absl::Status Drain();

 private:
  Server(const Settings& settings, const Clock& clock, Logger& logger,
         std::unique_ptr<VipsLibrary> vips, std::unique_ptr<AccessControl> access,
         std::unique_ptr<JobStore> jobs);

  absl::Status OpenDoors();
  absl::Status OpenGateway();
  ServiceLoad CurrentLoad() const;
  v1::GetServerInfoResponse CurrentInfo() const;
  void Tell(const Vitals& vitals);
  // Waits until the requests that were cancelled have ended.
  absl::Status AwaitCancelled();
  // Leaves clients so much time to receive their answers.
  void CloseDoors(std::chrono::milliseconds grace);

  const Settings settings_;
  const Clock& clock_;
  Logger& logger_;
  const std::unique_ptr<VipsLibrary> vips_;
  const std::unique_ptr<AccessControl> access_;
  Admission admission_;
  // Outlives the backend, whose requests tell it their ends.
  const std::unique_ptr<JobStore> jobs_;
  RowQueue queue_;
  const Tracing tracing_;
  Metrics metrics_;
  ObserverMetrics observer_;
  ThreadPool image_pool_;
  UploadBudget uploads_;
  StallWatch stalls_;
  std::atomic<Upscaler*> upscaler_ = nullptr;  // The backend's; null until it is there.
  std::atomic<bool> live_ = true;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> draining_ = false;
  UpscalerService service_;
  JobService job_service_;
  // Null until the model is loaded.
  std::unique_ptr<ModelDigest> digest_;
  std::unique_ptr<Backend> backend_;
  // The doors open first and close first.
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<const Backends> gateway_backends_;  // This server alone.
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<MetricsEndpoint> admin_;
  std::unique_ptr<HealthWatch> watch_;
  std::unique_ptr<DeviceMemoryWatch> memory_watch_;
  std::unique_ptr<Ticker> housekeeping_;
};

}  // namespace upscaler
