#include "telemetry/metrics_endpoint.h"

#include <exception>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

namespace upscaler {
namespace {

// Scrapes are short and rare; more than one thread, since a connection that says
// nothing holds one until its time is up.
constexpr const char* kThreads = "4";
constexpr const char* kRequestTimeoutMilliseconds = "2000";

// The metrics as the exposer wants to see them.
class Source final : public prometheus::Collectable {
 public:
  explicit Source(MetricsEndpoint::Collect collect) : collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override { return collect_(); }

 private:
  const MetricsEndpoint::Collect collect_;
};

// CivetWeb checks the rest, but it also takes lists of addresses, and a port alone
// for one that is open to all networks.
bool HasHostAndOnePort(const std::string& address) {
  return address.find(':') != std::string::npos && address.find(',') == std::string::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(const std::string& address,
                                                                        const Metrics& metrics) {
  return Start(address, [&metrics] { return metrics.Collect(); });
}

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(const std::string& address,
                                                                        Collect collect) {
  const absl::Status refusal = absl::FailedPreconditionError(fmt::format(
      "cannot serve metrics at '{}': wanted \"host:port\" with a port that is free", address));
  if (!HasHostAndOnePort(address)) return refusal;
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", address, "num_threads", kThreads,
                                 "request_timeout_ms", kRequestTimeoutMilliseconds});
    // Not make_unique: the constructor is private.
    return std::unique_ptr<MetricsEndpoint>(
        new MetricsEndpoint(std::make_shared<Source>(std::move(collect)), std::move(exposer)));
  } catch (const std::exception&) {  // CivetWeb does not say what it minds.
    return refusal;
  }
}

MetricsEndpoint::MetricsEndpoint(std::shared_ptr<prometheus::Collectable> source,
                                 std::unique_ptr<prometheus::Exposer> exposer)
    : source_(std::move(source)),
      exposer_(std::move(exposer)),
      port_(exposer_->GetListeningPorts().front()) {
  exposer_->RegisterCollectable(source_);
}

MetricsEndpoint::~MetricsEndpoint() = default;

}  // namespace upscaler
