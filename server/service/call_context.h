// What every call of the service shares.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>

#include "common/clock.h"
#include "common/upload_budget.h"
#include "proto/upscaler/v1/upscaler.pb.h"
#include "server/access/access_control.h"
#include "server/service/stall_watch.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/tracer.h"
#include "worker/upscaler.h"

namespace upscaler {

// Borrowed parts; all outlive the service. Thread-safe, as its parts are.
struct CallContext {
  // Null while the server loads its model.
  const std::atomic<Upscaler*>& upscaler;
  const Clock& clock;
  Metrics& metrics;
  Logger& logger;
  const Tracer& tracer;
  // Seeds for requests that bring none. Thread-safe.
  std::function<std::uint32_t()> draw_seed;
  std::size_t max_image_bytes;
  UploadBudget& uploads;
  StallWatch& stalls;
  AccessControl& access;
  // The answer to GetServerInfo. Thread-safe; must not block.
  std::function<v1::GetServerInfoResponse()> server_info = [] {
    return v1::GetServerInfoResponse();
  };
};

// Who does the work. kUnavailable, reason LOADING, while the server loads its model.
absl::StatusOr<Upscaler*> UpscalerOf(const CallContext& context);

// The call's deadline on the worker's clock, or TimePoint::max().
TimePoint DeadlineOf(const grpc::CallbackServerContext& call, const Clock& clock);

// What a call is known by in logs, metrics and traces.
struct CallIdentity {
  std::string method;          // As in the contract, with its service.
  std::string request_id;      // The caller's x-request-id, or a new one.
  std::string caller = {};     // The name of its key, once that is known; empty without keys.
  SpanContext span = {};       // Of the call; without a trace id where it has none.
  std::string parent_id = {};  // Of the span that the caller made it in, if there is one.
  Metrics::Api api = Metrics::Api::kGrpc;
  TimePoint start;
};

// The identity of a call that begins now, which is told its request id in the metadata that
// it gets. One that the gateway makes for a REST client says so in its own, and counts as
// REST. `method` is as in CallIdentity.
CallIdentity IdentifyCall(const CallContext& context, grpc::CallbackServerContext& call,
                          std::string method);

// What hears of the call's work; null where the call is not sampled.
std::shared_ptr<WorkTrace> TraceWork(const CallContext& context, const CallIdentity& call);

// Who makes a call that costs next to nothing, and is neither counted nor logged unless it
// is refused here: kUnauthenticated as AccessControl::Identify.
absl::StatusOr<std::string> CallerOf(const CallContext& context, grpc::CallbackServerContext& call);

// Counts, logs and traces one call that has ended.
void RecordCall(const CallContext& context, const CallIdentity& call, const absl::Status& status);

}  // namespace upscaler
