// Traces as the settings ask for them.

#pragma once

#include <cstdint>
#include <memory>

#include "common/clock.h"
#include "server/settings.h"
#include "telemetry/log.h"
#include "telemetry/otlp/otlp_exporter.h"
#include "telemetry/tracer.h"

namespace upscaler {

// Thread-safe.
class Tracing {
 public:
  // Spans go to the settings' collector, if they name one. What is passed by reference, the
  // settings excepted, must outlive it.
  Tracing(const Settings& settings, const Clock& clock, Logger& logger);

  const Tracer& tracer() const { return tracer_; }

  // Spans that did not reach the collector.
  std::uint64_t spans_dropped() const { return exporter_ == nullptr ? 0 : exporter_->dropped(); }

 private:
  const std::unique_ptr<OtlpExporter> exporter_;  // Null without a collector.
  const Tracer tracer_;
};

}  // namespace upscaler
