#include "gateway/trace_headers.h"

#include <string_view>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_join.h>

namespace upscaler {
namespace {

std::vector<std::string> AllOf(const HttpHeaders& headers, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, {name.data(), name.size()})) values.push_back(value);
  }
  return values;
}

}  // namespace

std::optional<TraceContext> TraceOf(const HttpHeaders& headers) {
  const std::vector<std::string> parents = AllOf(headers, "traceparent");
  if (parents.size() != 1) return std::nullopt;
  // A state may come in parts.
  return ParseTraceContext(parents.front(), absl::StrJoin(AllOf(headers, "tracestate"), ","));
}

}  // namespace upscaler
