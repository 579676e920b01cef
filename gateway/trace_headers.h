// The trace that a request of HTTP is a part of, by its headers.

#pragma once

#include <optional>

#include "gateway/http_message.h"
#include "telemetry/trace_context.h"

namespace upscaler {

// As ParseTraceContext; nothing, too, where there are several traceparents.
std::optional<TraceContext> TraceOf(const HttpHeaders& headers);

}  // namespace upscaler
