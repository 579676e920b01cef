// The answer to an upscale as a stream of events.

#pragma once

#include <cstdint>
#include <memory>

#include <absl/status/statusor.h>

#include "gateway/body_pipe.h"
#include "gateway/event_stream.h"
#include "gateway/http_server.h"
#include "gateway/keep_alive.h"
#include "gateway/upscale_answer.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// What goes wrong before the service has accepted the request is answered with its status,
// as to any client; from then on the stream is open, and errors are its last event.
//
// Not thread-safe: the call's callbacks come one at a time.
class StreamedAnswer {
 public:
  // `keep_alive` must outlive this.
  StreamedAnswer(Respond respond, AnswerFacts facts, KeepAlive& keep_alive);

  // Any event of the service; the first one opens the stream.
  void OnEvent(const v1::UpscaleStreamResponse& event);

  // The end: the pictures, an event each, or the error.
  void OnDone(absl::StatusOr<v1::UpscaleResponse> response);

 private:
  void Open();
  void WritePictures(v1::UpscaleResponse response);

  Respond respond_;  // Null once the stream is open.
  const AnswerFacts facts_;
  KeepAlive& keep_alive_;
  const std::shared_ptr<BodyPipe> pipe_ = std::make_shared<BodyPipe>();
  std::uint64_t last_sequence_ = 0;
};

}  // namespace upscaler
