#include "gateway/event_stream.h"

#include <cstddef>
#include <ctime>
#include <string_view>
#include <utility>

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/image_size.h"
#include "client/timings.h"
#include "gateway/rest_error.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;

// Some previews of the largest kind, or some ten thousand other events.
constexpr std::size_t kMostBehindBytes = std::size_t{4} << 20;

const char* PhaseName(v1::UpscaleStreamResponse::Phase phase) {
  switch (phase) {
    case v1::UpscaleStreamResponse::PHASE_ENCODE:
      return "encode";
    case v1::UpscaleStreamResponse::PHASE_DENOISE:
      return "denoise";
    default:
      return "decode";
  }
}

// The time left, where the service has told it.
template <typename Event>
Json EtaOf(const Event& event) {
  return event.has_eta() ? Json(ToSeconds(event.eta())) : Json(nullptr);
}

Json Describe(const v1::UpscaleStreamResponse::Progress& progress) {
  return {{"phase", PhaseName(progress.phase())},
          {"step", progress.step()},
          {"total_steps", progress.total_steps()},
          {"fraction", progress.fraction()},
          {"eta_seconds", EtaOf(progress)}};
}

Json Describe(const v1::UpscaleStreamResponse::Preview& preview) {
  std::string base64;
  absl::Base64Escape(preview.data(), &base64);
  return {{"b64_json", std::move(base64)},        {"partial_image_index", preview.preview_index()},
          {"image_index", preview.image_index()}, {"step", preview.step()},
          {"total_steps", preview.total_steps()}, {"output_format", "jpeg"},
          {"width", preview.size().width()},      {"height", preview.size().height()},
          {"size", SizeName(preview.size())}};
}

}  // namespace

std::string EventText(std::string_view type, const std::string& id, std::uint64_t sequence,
                      Json data) {
  Json whole = {
      {"type", type}, {"id", id}, {"created_at", std::time(nullptr)}, {"sequence", sequence}};
  // Not update(), which copies: there may be a large picture among them.
  for (auto& [name, value] : data.items()) whole[name] = std::move(value);
  std::string text = whole.dump(-1, ' ', false, Json::error_handler_t::replace);
  whole = nullptr;
  text.insert(0, fmt::format("event: {}\nid: {}\ndata: ", type, sequence));
  text += "\n\n";
  return text;
}

std::string ProgressEvent(const v1::UpscaleStreamResponse& event, const std::string& id) {
  const std::uint64_t sequence = event.sequence();
  switch (event.event_case()) {
    case v1::UpscaleStreamResponse::kQueued:
      return EventText(
          "image_upscale.queued", id, sequence,
          {{"queue_position", event.queued().position()}, {"eta_seconds", EtaOf(event.queued())}});
    case v1::UpscaleStreamResponse::kProgress:
      return EventText("image_upscale.progress", id, sequence, Describe(event.progress()));
    case v1::UpscaleStreamResponse::kPreview:
      return EventText("image_upscale.partial_image", id, sequence, Describe(event.preview()));
    default:
      return "";
  }
}

std::string CompletedEvent(const std::string& id, std::uint64_t sequence, Json data) {
  return EventText("image_upscale.completed", id, sequence, std::move(data));
}

std::string ErrorEvent(const std::string& id, std::uint64_t sequence, const absl::Status& status) {
  return EventText("image_upscale.error", id, sequence,
                   {{"error", DescribeError(ToRestError(status))}});
}

bool IsBehind(const BodyPipe& pipe) { return pipe.waiting_bytes() > kMostBehindBytes; }

HttpResponse EventStream(std::shared_ptr<BodyPipe> pipe) {
  return {.status = 200,
          .headers = {{"Content-Type", "text/event-stream"},
                      {"Cache-Control", "no-store"},
                      // nginx would keep the events until there are many.
                      {"X-Accel-Buffering", "no"}},
          .pipe = std::move(pipe)};
}

}  // namespace upscaler
