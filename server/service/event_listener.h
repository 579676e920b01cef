// A request's events as messages of the contract, the same for a stream and for a job.

#pragma once

#include <atomic>
#include <utility>

#include "common/clock.h"
#include "proto/upscaler/v1/upscaler.pb.h"
#include "worker/upscaler.h"

namespace upscaler {

// Whoever derives from it says where the events go, and what happens at the end
// (JobListener::OnDone). As thread-safe as Send is.
class EventListener : public JobListener {
 public:
  // `clock` must outlive the listener.
  EventListener(v1::UpscaleSpec effective_spec, const Clock& clock)
      : effective_spec_(std::move(effective_spec)), clock_(clock) {}

  void OnAccepted(const AcceptedPicture& picture) final;
  void OnQueued(const QueuePlace& place) final;
  void OnProgress(const JobProgress& progress) final;
  void OnPreview(JobPreview preview) final;

 protected:
  // Takes an event that has no sequence yet. As JobListener's methods: several threads,
  // no blocking, no throwing.
  virtual void Send(v1::UpscaleStreamResponse event) = 0;

 private:
  v1::UpscaleSpec effective_spec_;
  const Clock& clock_;
  std::atomic<TimePoint> first_progress_{};  // When the first row left the queue.
};

}  // namespace upscaler
