#include "telemetry/tracer.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "telemetry/random_digits.h"

namespace upscaler {
namespace {

constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kSpanIdDigits = 16;

// Whether a trace is among the share that is sampled, by its last 56 bits, as OpenTelemetry has it:
// so that all who draw from one trace id draw alike.
bool IsDrawn(const std::string& trace_id, double share) {
  constexpr std::size_t kDigits = 14;
  constexpr int kBitsPerDigit = 4;
  const std::string digits = trace_id.substr(kTraceIdDigits - kDigits);
  const std::uint64_t number = std::stoull(digits, nullptr, /*base=*/16);
  return static_cast<double>(number) < std::ldexp(share, kDigits * kBitsPerDigit);
}

}  // namespace

Tracer::Tracer(SpanSink* sink, double sample_ratio, const Clock& clock, const WallClock& wall_clock)
    : sink_(sink), sample_ratio_(sample_ratio), start_(clock.Now()), wall_start_(wall_clock()) {}

SpanContext Tracer::Begin(const std::optional<TraceContext>& parent) const {
  SpanContext context = {.trace_id = parent.has_value() ? std::string(parent->trace_id())
                                                        : RandomDigits(kTraceIdDigits),
                         .span_id = RandomDigits(kSpanIdDigits)};
  if (sink_ != nullptr) {
    context.sampled =
        parent.has_value() ? parent->sampled() : IsDrawn(context.trace_id, sample_ratio_);
  }
  return context;
}

SpanContext Tracer::Within(const SpanContext& parent) {
  return {.trace_id = parent.trace_id,
          .span_id = RandomDigits(kSpanIdDigits),
          .sampled = parent.sampled};
}

void Tracer::Record(Span span) const {
  if (span.context.sampled && sink_ != nullptr) sink_->Add(std::move(span));
}

}  // namespace upscaler
