// What every call of the service shares.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/status.h>
#include <grpcpp/server_context.h>

#include "common/clock.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "worker/upscaler.h"

namespace upscaler {

// Borrowed parts; all outlive the service. Thread-safe, as its parts are.
struct CallContext {
  Upscaler& upscaler;
  const Clock& clock;
  Metrics& metrics;
  Logger& logger;
  // Seeds for requests that bring none. Thread-safe.
  std::function<std::uint32_t()> draw_seed;
  std::size_t max_image_bytes;
};

// The call's deadline on the worker's clock, or TimePoint::max().
TimePoint DeadlineOf(const grpc::CallbackServerContext& call, const Clock& clock);

// The caller's x-request-id, or a new one where there is none that is fit for a
// log.
std::string RequestIdOf(const grpc::CallbackServerContext& call);

// Counts and logs one call that has ended.
void RecordCall(const CallContext& context, const std::string& request_id,
                const absl::Status& status, TimePoint start);

}  // namespace upscaler
