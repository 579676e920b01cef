// The trace that a request is a part of, as W3C Trace Context has it: what ties the
// service's log lines and spans to those of the systems before it.
//
// It is looked at before it is passed on, since it comes from strangers.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upscaler {

// One call's place in a trace.
struct TraceContext {
  std::string traceparent;   // "00-<32 digits>-<16 digits>-<2 digits>", as it came.
  std::string tracestate{};  // What vendors add; may be empty. ASCII that can be seen.

  // The 32 hexadecimal digits that all parts of the trace share.
  std::string_view trace_id() const { return std::string_view(traceparent).substr(3, 32); }
  // The 16 of the span that the call was made in.
  std::string_view parent_id() const { return std::string_view(traceparent).substr(36, 16); }
  // Whether the caller records the trace: the lowest bit of the last digit.
  bool sampled() const {
    return std::string_view("13579bdf").find(traceparent.back()) != std::string_view::npos;
  }
};

// What the headers of those names say; empty where there is none. Nothing where
// `traceparent` is not one of version 00 with ids that are not all zeros. `tracestate`
// comes from strangers, too: one of more than 512 bytes, or with bytes that a header
// cannot carry, is left out. Those of several headers are joined with a comma beforehand.
std::optional<TraceContext> ParseTraceContext(std::string_view traceparent,
                                              std::string_view tracestate);

}  // namespace upscaler
