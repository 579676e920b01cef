// What a client hears while its pictures are made, as server-sent events:
//
//   event: image_upscale.progress
//   id: 4
//   data: {"type":"image_upscale.progress","id":"6f...","created_at":1790000000,"sequence":4,...}
//
// in the names of OpenAI's streams of pictures, and of the HTML standard's section 9.2.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <nlohmann/json_fwd.hpp>

#include "gateway/body_pipe.h"
#include "gateway/http_message.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// One event. Its `data` gets, at the front, its type, the `id` of the request or job, the
// time, and its number in the stream.
std::string EventText(std::string_view type, const std::string& id, std::uint64_t sequence,
                      nlohmann::ordered_json data);

// image_upscale.queued, .progress or .partial_image; empty for all events of which clients
// of REST hear in another form, or not at all.
std::string ProgressEvent(const v1::UpscaleStreamResponse& event, const std::string& id);

// image_upscale.completed for one finished picture; `data` describes it.
std::string CompletedEvent(const std::string& id, std::uint64_t sequence,
                           nlohmann::ordered_json data);

// image_upscale.error, the last event of a stream that does not end well.
std::string ErrorEvent(const std::string& id, std::uint64_t sequence, const absl::Status& status);

// What keeps proxies from closing a connection on which nothing happens; clients ignore it.
inline constexpr const char* kKeepAliveEvent = ": keep-alive\n\n";

// Whether so much waits for a slow client already that news of the progress is left out:
// there will be more.
bool IsBehind(const BodyPipe& pipe);

// The answer whose body is a stream of events; without a pipe, its head.
HttpResponse EventStream(std::shared_ptr<BodyPipe> pipe);

}  // namespace upscaler
