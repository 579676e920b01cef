#include "telemetry/otlp/otlp_messages.h"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <variant>

#include <absl/strings/escaping.h>

namespace upscaler {
namespace {

namespace otlp = opentelemetry::proto;

constexpr std::uint32_t kSampled = 1;  // Of W3C's flags, which OTLP repeats.

std::uint64_t UnixNanoseconds(Span::Time time) {
  const auto since = time.time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

// OTLP has ids as bytes.
std::string Bytes(const std::string& digits) { return absl::HexStringToBytes(digits); }

void Set(otlp::common::v1::KeyValue& attribute, std::string_view name,
         const std::variant<std::string, std::int64_t>& value) {
  attribute.set_key(std::string(name));
  if (const auto* text = std::get_if<std::string>(&value)) {
    attribute.mutable_value()->set_string_value(*text);
  } else {
    attribute.mutable_value()->set_int_value(std::get<std::int64_t>(value));
  }
}

otlp::trace::v1::Span ToOtlp(const Span& span) {
  using Message = otlp::trace::v1::Span;
  Message message;
  message.set_trace_id(Bytes(span.context.trace_id));
  message.set_span_id(Bytes(span.context.span_id));
  message.set_parent_span_id(Bytes(span.parent_id));
  message.set_flags(kSampled);
  message.set_name(span.name);
  message.set_kind(span.kind == Span::Kind::kServer ? Message::SPAN_KIND_SERVER
                                                    : Message::SPAN_KIND_INTERNAL);
  message.set_start_time_unix_nano(UnixNanoseconds(span.start));
  message.set_end_time_unix_nano(UnixNanoseconds(span.end));
  for (const SpanAttribute& attribute : span.attributes) {
    Set(*message.add_attributes(), attribute.name, attribute.value);
  }
  for (const SpanContext& operation : span.links) {
    Message::Link& link = *message.add_links();
    link.set_trace_id(Bytes(operation.trace_id));
    link.set_span_id(Bytes(operation.span_id));
    link.set_flags(kSampled);
  }
  message.set_dropped_links_count(static_cast<std::uint32_t>(span.links_left_out));
  if (!span.error.empty()) {
    message.mutable_status()->set_code(otlp::trace::v1::Status::STATUS_CODE_ERROR);
    message.mutable_status()->set_message(span.error);
  }
  return message;
}

}  // namespace

otlp::collector::trace::v1::ExportTraceServiceRequest ExportRequest(
    const SpanSource& source, const std::vector<Span>& spans) {
  otlp::collector::trace::v1::ExportTraceServiceRequest request;
  otlp::trace::v1::ResourceSpans& of_resource = *request.add_resource_spans();
  otlp::resource::v1::Resource& resource = *of_resource.mutable_resource();
  Set(*resource.add_attributes(), "service.name", source.service);
  Set(*resource.add_attributes(), "service.version", source.version);
  Set(*resource.add_attributes(), "service.instance.id", source.instance);
  otlp::trace::v1::ScopeSpans& of_scope = *of_resource.add_scope_spans();
  of_scope.mutable_scope()->set_name("upscaler");
  for (const Span& span : spans) *of_scope.add_spans() = ToOtlp(span);
  return request;
}

}  // namespace upscaler
