// The gateway's own metrics. What the servers do with requests they count themselves; here
// stands only what they cannot see.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

namespace upscaler {

// Thread-safe. Methods return at once.
class GatewayMetrics {
 public:
  // How the gateway is at a moment.
  struct State {
    bool ready = false;  // A server takes work.
    std::size_t open_requests = 0;
    std::size_t upload_bytes = 0;  // In memory, of bodies that come or are passed on.
  };

  // `state` is called at every scrape, from any thread. It must not block, and what it
  // refers to must outlive the metrics.
  GatewayMetrics(const std::string& version, std::function<State()> state);

  GatewayMetrics(const GatewayMetrics&) = delete;
  GatewayMetrics& operator=(const GatewayMetrics&) = delete;

  // upscaler_gateway_refused_total{code}: an upscale that no server has heard of.
  void CountRefused(absl::StatusCode code);

  // All metrics as they are now.
  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  const std::function<State()> state_;
  const std::unique_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Gauge& ready_;
  prometheus::Gauge& open_requests_;
  prometheus::Gauge& upload_bytes_;
};

}  // namespace upscaler
