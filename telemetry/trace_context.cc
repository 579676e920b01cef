#include "telemetry/trace_context.h"

#include <algorithm>
#include <cstddef>

namespace upscaler {
namespace {

// "00-" trace id "-" parent id "-" flags.
constexpr std::size_t kTraceIdAt = 3;
constexpr std::size_t kTraceIdDigits = 32;
constexpr std::size_t kParentIdAt = 36;
constexpr std::size_t kParentIdDigits = 16;
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kLength = 55;

// What every party has to pass on at least; longer ones may be dropped.
constexpr std::size_t kMaxStateBytes = 512;

// Lower case only: the standard has upper case ignored as malformed.
bool IsHexadecimal(std::string_view digits) {
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsId(std::string_view digits) {
  return IsHexadecimal(digits) && digits.find_first_not_of('0') != std::string_view::npos;
}

// Another version may say other things. Of later ones the standard has the known part read
// as version 00, but there is none, and what is passed on should be what was understood.
bool IsTraceparent(std::string_view text) {
  return text.size() == kLength && text.starts_with("00-") && text[kParentIdAt - 1] == '-' &&
         text[kFlagsAt - 1] == '-' && IsId(text.substr(kTraceIdAt, kTraceIdDigits)) &&
         IsId(text.substr(kParentIdAt, kParentIdDigits)) && IsHexadecimal(text.substr(kFlagsAt));
}

bool IsTracestate(std::string_view text) {
  return !text.empty() && text.size() <= kMaxStateBytes && text.front() != ' ' &&
         text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::optional<TraceContext> ParseTraceContext(std::string_view traceparent,
                                              std::string_view tracestate) {
  if (!IsTraceparent(traceparent)) return std::nullopt;
  return TraceContext{.traceparent = std::string(traceparent),
                      .tracestate = std::string(IsTracestate(tracestate) ? tracestate : "")};
}

}  // namespace upscaler
