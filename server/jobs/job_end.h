// How jobs end, and what that makes of what clients see of them.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "proto/upscaler/v1/job.pb.h"
#include "server/jobs/system_time.h"

namespace upscaler {

// What comes of a job that succeeds.
struct JobResult {
  std::vector<v1::UpscaleStreamResponse::ImageHeader> images = {};
  std::vector<std::string> pictures = {};  // The bytes of each.
  v1::UpscaleStreamResponse::Completed completed = {};
  // Called once the pictures count to the store and to nobody else. May be null. Must
  // not block.
  absl::AnyInvocable<void()&&> on_kept = nullptr;
};

// An event, numbered; shared by all who watch.
using JobEvent = std::shared_ptr<const v1::WatchUpscaleJobResponse>;

// The end of a job.
struct JobEnd {
  v1::UpscaleJobState state = v1::UPSCALE_JOB_STATE_SUCCEEDED;
  absl::Status error = absl::OkStatus();  // Unless it succeeded, why not.
  // Empty unless it succeeded.
  std::vector<v1::UpscaleStreamResponse::ImageHeader> images = {};
  v1::UpscaleStreamResponse::Completed completed = {};
  SystemTime end_time{};
  SystemTime expire_time{};
};

// Whether it will not change any more.
bool IsEnd(v1::UpscaleJobState state);

// Appends `event` with the next number.
void Append(v1::UpscaleStreamResponse event, v1::UpscaleJob& job, std::vector<JobEvent>& events);

// Ends `job` so, with the events that go with it.
void Conclude(const JobEnd& end, v1::UpscaleJob& job, std::vector<JobEvent>& events);

}  // namespace upscaler
