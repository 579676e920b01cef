#include "gateway/streamed_answer.h"

#include <new>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/image_format.h"
#include "client/image_size.h"
#include "gateway/rest_error.h"

namespace upscaler {

StreamedAnswer::StreamedAnswer(Respond respond, AnswerFacts facts, KeepAlive& keep_alive)
    : respond_(std::move(respond)), facts_(std::move(facts)), keep_alive_(keep_alive) {}

void StreamedAnswer::Open() {
  if (respond_ == nullptr) return;
  keep_alive_.Add(pipe_);
  std::exchange(respond_, nullptr)(EventStream(pipe_));
}

void StreamedAnswer::OnEvent(const v1::UpscaleStreamResponse& event) {
  Open();
  last_sequence_ = event.sequence();
  if (!IsBehind(*pipe_)) pipe_->Write(ProgressEvent(event, facts_.id));
}

void StreamedAnswer::OnDone(absl::StatusOr<v1::UpscaleResponse> response) {
  if (respond_ != nullptr && !response.ok()) {
    std::exchange(respond_, nullptr)(ErrorResponse(response.status()));
    return;
  }
  Open();
  absl::Status status = response.status();
  if (status.ok()) {
    try {
      WritePictures(*std::move(response));
    } catch (const std::bad_alloc&) {  // See OutOfMemory.
      status = OutOfMemory();
    }
  }
  if (!status.ok()) pipe_->Write(ErrorEvent(facts_.id, last_sequence_ + 1, status));
  pipe_->Close();
}

void StreamedAnswer::WritePictures(v1::UpscaleResponse response) {
  const nlohmann::ordered_json run = DescribeRun(response, facts_.model);
  const auto count = static_cast<std::uint64_t>(response.images_size());
  for (int i = 0; i < response.images_size(); ++i) {
    v1::UpscaledImage& image = *response.mutable_images(i);
    nlohmann::ordered_json data = TakePicture(image, facts_.response_format);
    data["image_index"] = i;
    data["size"] = SizeName(image.size());
    data.update(run);
    // The service has numbered the pictures' bytes, of which REST has no events: so these
    // numbers are free, and the last of them is the last of the service's.
    const std::uint64_t sequence = last_sequence_ + static_cast<std::uint64_t>(i) + 1 - count;
    pipe_->Write(CompletedEvent(facts_.id, sequence, std::move(data)));
  }
}

}  // namespace upscaler
