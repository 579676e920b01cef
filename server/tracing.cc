#include "server/tracing.h"

#include <chrono>
#include <string>

#include <absl/status/status.h>

#include "common/version.h"
#include "telemetry/request_id.h"

namespace upscaler {
namespace {

std::unique_ptr<OtlpExporter> MakeExporter(const Settings& settings, Logger& logger) {
  if (settings.otlp_endpoint.empty()) return nullptr;
  const auto tell = [&logger](const absl::Status& status) {
    if (status.ok()) {
      logger.Info("the collector takes spans again");
    } else {
      logger.Warning("the collector takes no spans", {{"error", std::string(status.message())}});
    }
  };
  return std::make_unique<OtlpExporter>(
      OtlpExporter::Options{.endpoint = settings.otlp_endpoint,
                            .source = {.service = "upscaler-server",
                                       .version = std::string(kVersion),
                                       .instance = MakeRequestId()},
                            .on_change = tell});
}

}  // namespace

Tracing::Tracing(const Settings& settings, const Clock& clock, Logger& logger)
    : exporter_(MakeExporter(settings, logger)),
      tracer_(exporter_.get(), settings.trace_sample_ratio, clock, std::chrono::system_clock::now) {
}

}  // namespace upscaler
