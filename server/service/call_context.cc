#include "server/service/call_context.h"

#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "common/error_details.h"
#include "server/service/bearer_key.h"
#include "server/service/request_trace.h"
#include "telemetry/request_id.h"
#include "telemetry/trace_context.h"

namespace upscaler {
namespace {

// Why a request that failed was refused, if it was.
std::optional<Metrics::Rejection> RejectionOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status).value_or("");
  if (reason == "QUEUE_FULL" || reason == "UPLOADS_FULL" || reason == "JOBS_FULL") {
    return Metrics::Rejection::kFull;
  }
  if (reason == "DRAINING") return Metrics::Rejection::kDraining;
  if (reason == "OUT_OF_MEMORY") return Metrics::Rejection::kMemory;
  if (reason == "DEADLINE_PASSED" || reason == "DEADLINE_UNREACHABLE") {
    return Metrics::Rejection::kDeadline;
  }
  if (reason == "RATE_LIMITED" || reason == "TOO_MANY_CALLS") return Metrics::Rejection::kQuota;
  if (absl::IsInvalidArgument(status)) return Metrics::Rejection::kInvalid;
  return std::nullopt;
}

// What the caller sent under `key`; nothing, too, where it did so twice.
std::string_view MetadataOf(const grpc::CallbackServerContext& call, const char* key) {
  const auto [first, end] = call.client_metadata().equal_range(key);
  if (std::distance(first, end) != 1) return {};
  return {first->second.data(), first->second.size()};
}

const char* NameOf(Metrics::Api api) { return api == Metrics::Api::kRest ? "rest" : "grpc"; }

// A call that ends now. Attributes by OpenTelemetry's names, where it has some.
Span SpanOf(const CallContext& context, const CallIdentity& call, const absl::Status& status) {
  return {.name = call.method,
          .kind = Span::Kind::kServer,
          .context = call.span,
          .parent_id = call.parent_id,
          .start = context.tracer.WallTime(call.start),
          .end = context.tracer.WallTime(context.clock.Now()),
          .attributes = {{"rpc.system", "grpc"},
                         {"rpc.grpc.status_code", static_cast<std::int64_t>(status.code())},
                         {"upscaler.api", NameOf(call.api)},
                         {"upscaler.request_id", call.request_id}},
          .error = std::string(status.message())};
}

}  // namespace

absl::StatusOr<Upscaler*> UpscalerOf(const CallContext& context) {
  constexpr std::chrono::seconds kRetryPause{1};
  if (Upscaler* upscaler = context.upscaler.load(); upscaler != nullptr) return upscaler;
  return WithRetryAfter(
      WithReason(absl::UnavailableError("the server is loading its model"), "LOADING"),
      kRetryPause);
}

TimePoint DeadlineOf(const grpc::CallbackServerContext& call, const Clock& clock) {
  using SystemClock = std::chrono::system_clock;
  // Beyond this a deadline is as good as none, and the sum below could overflow.
  constexpr std::chrono::hours kFarAway{24 * 365};
  const auto left = call.deadline() - SystemClock::now();
  if (left > kFarAway) return TimePoint::max();
  return clock.Now() + std::chrono::duration_cast<TimePoint::duration>(left);
}

CallIdentity IdentifyCall(const CallContext& context, grpc::CallbackServerContext& call,
                          std::string method) {
  const bool rest = MetadataOf(call, "x-upscaler-via") == "rest";
  const std::string request_id = RequestIdFrom(MetadataOf(call, "x-request-id"));
  call.AddInitialMetadata("x-request-id", request_id);
  const auto trace = ParseTraceContext(MetadataOf(call, "traceparent"), "");
  return {.method = std::move(method),
          .request_id = request_id,
          .span = context.tracer.Begin(trace),
          .parent_id = std::string(trace.has_value() ? trace->parent_id() : ""),
          .api = rest ? Metrics::Api::kRest : Metrics::Api::kGrpc,
          .start = context.clock.Now()};
}

std::shared_ptr<WorkTrace> TraceWork(const CallContext& context, const CallIdentity& call) {
  if (!call.span.sampled) return nullptr;
  return std::make_shared<RequestTrace>(context.tracer, call.span);
}

absl::StatusOr<std::string> CallerOf(const CallContext& context,
                                     grpc::CallbackServerContext& call) {
  absl::StatusOr<std::string> caller = context.access.Identify(BearerKeyOf(call));
  if (!caller.ok()) RecordCall(context, IdentifyCall(context, call, "question"), caller.status());
  return caller;
}

void RecordCall(const CallContext& context, const CallIdentity& call, const absl::Status& status) {
  const TimePoint::duration took = context.clock.Now() - call.start;
  context.metrics.CountRequest(call.api, status.code(), took);
  if (const auto rejection = RejectionOf(status)) context.metrics.CountRejection(*rejection);

  // Not of strangers, who could keep everybody's spans from being sent.
  if (call.span.sampled && !absl::IsUnauthenticated(status)) {
    context.tracer.Record(SpanOf(context, call, status));
  }

  Logger::Fields fields = {{"request_id", call.request_id},
                           {"api", NameOf(call.api)},
                           {"code", absl::StatusCodeToString(status.code())},
                           {"seconds", std::chrono::duration<double>(took).count()}};
  if (!call.span.trace_id.empty()) fields.push_back({"trace_id", call.span.trace_id});
  if (!call.span.span_id.empty()) fields.push_back({"span_id", call.span.span_id});
  if (!call.caller.empty()) fields.push_back({"caller", call.caller});
  if (!status.ok()) fields.push_back({"error", std::string(status.message())});
  if (absl::IsInternal(status)) {
    context.logger.Error("request failed", fields);
  } else {
    context.logger.Info("request done", fields);
  }
}

}  // namespace upscaler
