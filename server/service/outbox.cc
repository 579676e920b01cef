#include "server/service/outbox.h"

#include <algorithm>
#include <utility>

#include "server/service/call_events.h"

namespace upscaler {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

// Whether nobody needs `older` who hears `newer`.
bool MakesStale(const v1::UpscaleStreamResponse& newer, const v1::UpscaleStreamResponse& older) {
  return (newer.has_progress() && older.has_progress()) ||
         (newer.has_queued() && older.has_queued());
}

}  // namespace

void Outbox::Add(v1::UpscaleStreamResponse event) {
  if (!events_.empty() && MakesStale(event, events_.back())) {
    events_.back() = std::move(event);
  } else {
    events_.push_back(std::move(event));
  }
}

void Outbox::AddOutcome(UpscaleOutcome outcome, ImageFormat format) {
  outcome_ = std::move(outcome);
  format_ = format;
}

std::optional<v1::UpscaleStreamResponse> Outbox::Take() {
  v1::UpscaleStreamResponse event;
  if (!events_.empty()) {
    event = std::move(events_.front());
    events_.pop_front();
  } else if (outcome_.has_value()) {
    event = TakeFromOutcome();
  } else {
    return std::nullopt;
  }
  event.set_sequence(++sequence_);
  return event;
}

v1::UpscaleStreamResponse Outbox::TakeFromOutcome() {
  v1::UpscaleStreamResponse event;
  if (picture_ == outcome_->pictures.size()) {
    *event.mutable_completed() = DescribeCompleted(*outcome_);
    outcome_.reset();
    return event;
  }
  UpscaledPicture& picture = outcome_->pictures[picture_];
  if (!header_sent_) {
    *event.mutable_image_header() = DescribeHeader(picture, format_, picture_);
    header_sent_ = true;
    return event;
  }
  const std::size_t bytes = std::min(kChunkBytes, picture.encoded.size() - offset_);
  event.mutable_image_chunk()->set_data(picture.encoded.data() + offset_, bytes);
  offset_ += bytes;
  if (offset_ == picture.encoded.size()) {
    std::string().swap(picture.encoded);  // Unlike assigning, gives the memory back.
    ++picture_;
    header_sent_ = false;
    offset_ = 0;
  }
  return event;
}

}  // namespace upscaler
