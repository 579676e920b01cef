#include "server/service/event_listener.h"

#include "server/service/call_events.h"

namespace upscaler {

void EventListener::OnAccepted(const AcceptedPicture& picture) {
  v1::UpscaleStreamResponse event;
  *event.mutable_accepted() = DescribeAccepted(picture, std::move(effective_spec_));
  Send(std::move(event));
}

void EventListener::OnQueued(const QueuePlace& place) {
  v1::UpscaleStreamResponse event;
  *event.mutable_queued() = DescribePlace(place);
  Send(std::move(event));
}

void EventListener::OnProgress(const JobProgress& progress) {
  const TimePoint now = clock_.Now();
  TimePoint unset{};
  first_progress_.compare_exchange_strong(unset, now);
  v1::UpscaleStreamResponse event;
  *event.mutable_progress() = DescribeProgress(progress, first_progress_.load(), now);
  Send(std::move(event));
}

void EventListener::OnPreview(JobPreview preview) {
  v1::UpscaleStreamResponse event;
  *event.mutable_preview() = DescribePreview(std::move(preview));
  Send(std::move(event));
}

}  // namespace upscaler
