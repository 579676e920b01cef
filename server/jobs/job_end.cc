#include "server/jobs/job_end.h"

#include <utility>

#include "server/jobs/job_error.h"

namespace upscaler {

bool IsEnd(v1::UpscaleJobState state) {
  switch (state) {
    case v1::UPSCALE_JOB_STATE_SUCCEEDED:
    case v1::UPSCALE_JOB_STATE_FAILED:
    case v1::UPSCALE_JOB_STATE_CANCELLED:
    case v1::UPSCALE_JOB_STATE_INTERRUPTED:
      return true;
    default:
      return false;
  }
}

void Append(v1::UpscaleStreamResponse event, v1::UpscaleJob& job, std::vector<JobEvent>& events) {
  job.set_last_sequence(job.last_sequence() + 1);
  event.set_sequence(job.last_sequence());
  auto numbered = std::make_shared<v1::WatchUpscaleJobResponse>();
  *numbered->mutable_event() = std::move(event);
  events.push_back(std::move(numbered));
}

void Conclude(const JobEnd& end, v1::UpscaleJob& job, std::vector<JobEvent>& events) {
  job.set_state(end.state);
  *job.mutable_end_time() = ToProto(end.end_time);
  *job.mutable_expire_time() = ToProto(end.expire_time);
  if (!end.error.ok()) {
    *job.mutable_error() = ToJobError(end.error);
    return;
  }
  job.set_fraction(1);
  job.mutable_images()->Assign(end.images.begin(), end.images.end());
  for (const auto& image : end.images) {
    v1::UpscaleStreamResponse event;
    *event.mutable_image_header() = image;
    Append(std::move(event), job, events);
  }
  v1::UpscaleStreamResponse event;
  *event.mutable_completed() = end.completed;
  Append(std::move(event), job, events);
}

}  // namespace upscaler
