// The composition root of the gateway as a process of its own: builds it from the settings,
// and takes it down again in order.

#pragma once

#include <atomic>
#include <memory>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/upload_budget.h"
#include "gateway/backends.h"
#include "gateway/gateway.h"
#include "gateway/program/backend_watch.h"
#include "gateway/program/gateway_metrics.h"
#include "gateway/program/gateway_settings.h"
#include "telemetry/log.h"
#include "telemetry/metrics_endpoint.h"

namespace upscaler {

// Not thread-safe: one thread owns it.
class GatewayProgram {
 public:
  // Opens the doors: on return both answer, REST with LOADING until a backend has said what
  // it serves. `clock` and `logger` must outlive the program. Blocks while names of hosts
  // are looked up. Fails with what an operator has to mend.
  static absl::StatusOr<std::unique_ptr<GatewayProgram>> Open(const GatewaySettings& settings,
                                                              const Clock& clock, Logger& logger);

  // Cuts off what is open. After Drain that is nothing.
  ~GatewayProgram() = default;

  GatewayProgram(const GatewayProgram&) = delete;
  GatewayProgram& operator=(const GatewayProgram&) = delete;

  // Says "not ready" and goes on serving for `drain_delay_seconds`; then takes no more
  // connections, and waits for open requests for `drain_seconds`. Once.
  void Drain();

 private:
  GatewayProgram(const GatewaySettings& settings, const Clock& clock, Logger& logger,
                 std::unique_ptr<const Backends> backends, std::string api_key);

  absl::Status OpenDoors();
  bool IsReady() const { return !draining_ && watch_.ready(); }
  void TellReload(const absl::Status& status);
  void RecordRefused(const RefusedRequest& request);

  const GatewaySettings settings_;
  const Clock& clock_;
  Logger& logger_;
  const std::unique_ptr<const Backends> backends_;
  std::atomic<bool> draining_ = false;
  UploadBudget uploads_;
  BackendWatch watch_;
  // Outlives what it tells of the gateway: it is only asked through admin_.
  GatewayMetrics metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<MetricsEndpoint> admin_;
};

}  // namespace upscaler
