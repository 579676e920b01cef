// Where Prometheus fetches the metrics: GET /metrics on a port of its own.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "telemetry/metrics.h"

namespace prometheus {
class Collectable;
class Exposer;
}  // namespace prometheus

namespace upscaler {

// Serves from construction to destruction, on threads of its own.
class MetricsEndpoint {
 public:
  // Listens at `address`, "host:port"; port 0 lets the system choose.
  // kFailedPrecondition when that is no address or the port is taken. `metrics`
  // must outlive the endpoint.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& address,
                                                                const Metrics& metrics);

  // The same for any metrics. `collect` is called at every scrape, from any thread.
  using Collect = std::function<std::vector<prometheus::MetricFamily>()>;
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& address,
                                                                Collect collect);

  // Stops serving. Takes up to two seconds, which is how often CivetWeb 1.15 looks
  // whether to stop.
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  int port() const { return port_; }

 private:
  MetricsEndpoint(std::shared_ptr<prometheus::Collectable> source,
                  std::unique_ptr<prometheus::Exposer> exposer);

  // Shared, because the exposer takes a weak pointer.
  const std::shared_ptr<prometheus::Collectable> source_;
  const std::unique_ptr<prometheus::Exposer> exposer_;
  const int port_;
};

}  // namespace upscaler
