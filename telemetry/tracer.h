// Names spans, decides which are recorded, and passes those on.
//
// A request that comes with a trace continues it, and is recorded if its caller says so. One that
// comes without begins a trace, and a share of these is recorded.

#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "common/clock.h"
#include "telemetry/span.h"
#include "telemetry/trace_context.h"

namespace upscaler {

// Thread-safe.
class Tracer {
 public:
  using WallClock = std::function<Span::Time()>;

  // Records nothing where `sink` is null; otherwise it must outlive the tracer. `sample_ratio`,
  // from 0 to 1, is of the traces that begin here. The clocks are compared now, once: so times
  // within a trace are in order, and those of Linux keep their distance unless somebody sets one.
  Tracer(SpanSink* sink, double sample_ratio, const Clock& clock, const WallClock& wall_clock);

  // The context of a span that begins here, within `parent`'s trace if there is one.
  SpanContext Begin(const std::optional<TraceContext>& parent) const;
  // That of an operation within `parent`.
  static SpanContext Within(const SpanContext& parent);

  // Passes the span on, if it is sampled.
  void Record(Span span) const;

  // What people's clocks showed at a moment of ours.
  Span::Time WallTime(TimePoint moment) const {
    return wall_start_ + std::chrono::duration_cast<Span::Time::duration>(moment - start_);
  }

 private:
  SpanSink* const sink_;
  const double sample_ratio_;
  const TimePoint start_;
  const Span::Time wall_start_;
};

}  // namespace upscaler
