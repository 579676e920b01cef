#include "client/call_options.h"

#include <algorithm>
#include <string_view>

#include <absl/strings/ascii.h>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// gRPC ends the process when it is given anything else.
absl::Status CheckMetadata(std::string_view field, const std::string& text) {
  const bool carried = std::ranges::all_of(
      text, [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
  if (carried && absl::StripAsciiWhitespace(text).size() == text.size()) return absl::OkStatus();
  return InvalidField(field, "other characters given; ASCII that can be seen is allowed");
}

}  // namespace

absl::Status Prepare(grpc::ClientContext& context, const CallOptions& options) {
  UPSCALER_RETURN_IF_ERROR(CheckMetadata("api_key", options.api_key));
  UPSCALER_RETURN_IF_ERROR(CheckMetadata("request_id", options.request_id));
  UPSCALER_RETURN_IF_ERROR(CheckMetadata("traceparent", options.traceparent));
  UPSCALER_RETURN_IF_ERROR(CheckMetadata("tracestate", options.tracestate));
  if (!options.api_key.empty()) context.AddMetadata("authorization", "Bearer " + options.api_key);
  if (!options.request_id.empty()) context.AddMetadata("x-request-id", options.request_id);
  if (!options.traceparent.empty()) {
    context.AddMetadata("traceparent", options.traceparent);
    if (!options.tracestate.empty()) context.AddMetadata("tracestate", options.tracestate);
  }
  if (options.timeout.has_value()) {
    context.set_deadline(std::chrono::system_clock::now() + *options.timeout);
  }
  return absl::OkStatus();
}

}  // namespace upscaler
