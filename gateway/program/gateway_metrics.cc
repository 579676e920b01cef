#include "gateway/program/gateway_metrics.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "telemetry/process_metrics.h"

namespace upscaler {
namespace {

using prometheus::Gauge;
using prometheus::Registry;

Gauge& AddGauge(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

GatewayMetrics::GatewayMetrics(const std::string& version, std::function<State()> state)
    : state_(std::move(state)),
      registry_(std::make_unique<Registry>()),
      refused_(prometheus::BuildCounter()
                   .Name("upscaler_gateway_refused_total")
                   .Help("Upscales that the gateway refused by itself, by gRPC's code.")
                   .Register(*registry_)),
      ready_(AddGauge(*registry_, "upscaler_gateway_ready", "1 while a server takes work.")),
      open_requests_(AddGauge(*registry_, "upscaler_gateway_open_requests",
                              "Requests from their first byte to the last of their answer.")),
      upload_bytes_(AddGauge(*registry_, "upscaler_gateway_upload_bytes",
                             "Memory of bodies that are arriving or being passed on.")) {
  prometheus::BuildGauge()
      .Name("upscaler_gateway_build_info")
      .Help("Always 1; the label says what runs.")
      .Register(*registry_)
      .Add({{"version", version}})
      .Set(1);
}

void GatewayMetrics::CountRefused(absl::StatusCode code) {
  refused_.Add({{"code", absl::StatusCodeToString(code)}}).Increment();
}

std::vector<prometheus::MetricFamily> GatewayMetrics::Collect() const {
  const State state = state_();
  ready_.Set(state.ready ? 1 : 0);
  open_requests_.Set(static_cast<double>(state.open_requests));
  upload_bytes_.Set(static_cast<double>(state.upload_bytes));
  std::vector<prometheus::MetricFamily> families = registry_->Collect();
  std::ranges::move(ProcessMetrics(), std::back_inserter(families));
  return families;
}

}  // namespace upscaler
