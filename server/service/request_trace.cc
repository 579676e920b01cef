#include "server/service/request_trace.h"

#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace upscaler {
namespace {

constexpr std::size_t kTraceIdDigits = 32;

const char* NameOf(WorkPart part) {
  switch (part) {
    case WorkPart::kDecodePicture:
      return "decode picture";
    case WorkPart::kQueue:
      return "queue";
    case WorkPart::kText:
      return "text";
    case WorkPart::kVaeEncode:
      return "encode";
    case WorkPart::kSteps:
      return "steps";
    case WorkPart::kVaeDecode:
      return "decode";
    case WorkPart::kEncodePicture:
      break;
  }
  return "encode picture";
}

}  // namespace

void RequestTrace::OnPart(int image, WorkPart part, TimePoint start, TimePoint end) {
  Span span = {.name = NameOf(part),
               .context = Tracer::Within(request_),
               .parent_id = request_.span_id,
               .start = tracer_.WallTime(start),
               .end = tracer_.WallTime(end),
               .attributes = {{"upscaler.image_index", std::int64_t{image}}}};
  if (part == WorkPart::kSteps) {
    Steps steps = TakeSteps(image);
    span.links = std::move(steps.links);
    span.links_left_out = steps.left_out;
  }
  tracer_.Record(std::move(span));
}

std::string RequestTrace::NameStep(const SharedStep& step) {
  SpanContext context = tracer_.Begin(std::nullopt);
  context.sampled = true;  // As the request is that has a link to it.
  tracer_.Record({.name = "step",
                  .context = context,
                  .start = tracer_.WallTime(step.start),
                  .end = tracer_.WallTime(step.end),
                  .attributes = {{"upscaler.batch_size", static_cast<std::int64_t>(step.rows)},
                                 {"upscaler.width", std::int64_t{step.width}},
                                 {"upscaler.height", std::int64_t{step.height}},
                                 {"upscaler.device", std::string(step.device)}}});
  return fmt::format("{}-{}", context.trace_id, context.span_id);
}

void RequestTrace::OnStep(int image, const std::string& step) {
  MutexLock lock(mutex_);
  Steps& steps = steps_[image];
  if (steps.links.size() >= kMostLinks) {
    ++steps.left_out;
    return;
  }
  steps.links.push_back({.trace_id = step.substr(0, kTraceIdDigits),
                         .span_id = step.substr(kTraceIdDigits + 1),
                         .sampled = true});
}

RequestTrace::Steps RequestTrace::TakeSteps(int image) {
  MutexLock lock(mutex_);
  return std::exchange(steps_[image], {});
}

}  // namespace upscaler
