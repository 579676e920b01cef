// Upscales that outlive the connection that asked for them, from the client's side.
//
// What makes such a job worth having is that nothing is lost when the way to the server
// breaks: here it is watched again from the last event that was seen, and downloads go on
// where they broke off.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "client/call_options.h"
#include "client/picture_download.h"
#include "client/retry.h"
#include "client/upscale_call.h"
#include "common/clock.h"
#include "proto/upscaler/v1/job.grpc.pb.h"

namespace upscaler {

// The jobs of one server, and of one API key. All calls block; errors are the server's,
// with the details of common/error_details.h: kNotFound for a job that there is not.
// Thread-safe.
class UpscaleJobs {
 public:
  struct Options {
    std::string api_key{};  // Empty: none is sent.
    // Of each question, not of uploads, watches and downloads; none: no limit.
    std::optional<std::chrono::milliseconds> timeout = std::chrono::seconds(30);
    RetryOptions retries{};
    // How waits between attempts are spent; null: this thread sleeps.
    std::function<void(std::chrono::milliseconds)> sleep{};
  };

  // `clock` must outlive this.
  UpscaleJobs(const std::shared_ptr<grpc::Channel>& channel, Options options, const Clock& clock);

  UpscaleJobs(const UpscaleJobs&) = delete;
  UpscaleJobs& operator=(const UpscaleJobs&) = delete;

  // Starts a job, or finds the one that has the order's request_id already. An empty
  // request_id gets a random one, so that another attempt cannot make a second job. The
  // order's timeout is for uploading, and counts for each attempt; its api_key and via do
  // not count. kInvalidArgument where CheckTexts refuses the spec, kAlreadyExists when the
  // request_id is that of another order.
  absl::StatusOr<v1::CreateUpscaleJobResponse> Create(UpscaleOrder order);

  absl::StatusOr<v1::UpscaleJob> Get(const std::string& job_id);

  // One page. An empty next_page_token means that there are no more.
  absl::StatusOr<v1::ListUpscaleJobsResponse> List(const v1::ListUpscaleJobsRequest& request);

  // The job after that; it may still be running for a step.
  absl::StatusOr<v1::UpscaleJob> Cancel(const std::string& job_id);

  // kNotFound, too, where an attempt before a broken connection has done it.
  absl::Status Delete(const std::string& job_id);

  // Passes each event after `after_sequence` to `on_event`, in order, none twice and none
  // left out, until the job has ended: OK if it succeeded, otherwise its error. on_event
  // is called on this thread; false from it ends the watch with kCancelled, and the job
  // goes on. A broken connection is not an error as long as the server comes back within
  // the retries allowed, which count anew with each event.
  absl::Status Watch(const std::string& job_id, std::uint64_t after_sequence,
                     absl::FunctionRef<bool(const v1::UpscaleStreamResponse&)> on_event);

  // A finished picture, whole and checked against its checksum. After a broken connection
  // only what is missing is sent. kInternal when what arrives is not what was announced.
  absl::StatusOr<v1::UpscaledImage> Download(const std::string& job_id, std::uint32_t image_index);

 private:
  absl::StatusOr<v1::CreateUpscaleJobResponse> CreateOnce(const UpscaleOrder& order);

  // Both take one call as far as it goes. `schedule` begins anew when they get somewhere.
  absl::Status WatchOnce(v1::WatchUpscaleJobRequest& request, RetrySchedule& schedule,
                         absl::FunctionRef<bool(const v1::UpscaleStreamResponse&)> on_event);
  absl::Status DownloadOnce(v1::DownloadUpscaleJobRequest& request, PictureDownload& download,
                            RetrySchedule& schedule);

  // Whether the job is known to have no more events, so that its own error is not taken
  // for one of the way to it.
  bool HasEnded(const std::string& job_id);

  // Calls `attempt`, which yields a status or a value, until it succeeds or `schedule`
  // says that it will not.
  template <typename Attempt>
  auto Retry(RetrySchedule& schedule, Attempt attempt);

  RetrySchedule NewSchedule() const { return {options_.retries, std::nullopt, clock_}; }
  CallOptions question() const;

  const Options options_;
  const Clock& clock_;
  const std::unique_ptr<v1::UpscaleJobService::Stub> stub_;
};

}  // namespace upscaler
