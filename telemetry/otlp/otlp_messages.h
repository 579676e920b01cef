// Spans in the words of OTLP.

#pragma once

#include <string>
#include <vector>

#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>

#include "telemetry/span.h"

namespace upscaler {

// Who the spans are of, by OpenTelemetry's names: service.name, .version and .instance.id.
struct SpanSource {
  std::string service{};
  std::string version{};
  std::string instance{};  // This process among all of the service's.
};

// `spans` as a request to take them.
opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest ExportRequest(
    const SpanSource& source, const std::vector<Span>& spans);

}  // namespace upscaler
