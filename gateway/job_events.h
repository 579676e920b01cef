// GET /v1/jobs/{job_id}/events: what happens to a job, as server-sent events, from any of
// them on.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "client/async_read_call.h"
#include "client/current_call.h"
#include "client/job_calls.h"
#include "gateway/body_pipe.h"
#include "gateway/http_server.h"
#include "gateway/job_request.h"
#include "gateway/keep_alive.h"
#include "gateway/open_calls.h"
#include "gateway/route_table.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// Events have the job's own numbers, and none is left out, however slow the client is: the
// service is asked for the next one when the last one was taken. A client that was cut off
// goes on behind the last one it saw, which it names in Last-Event-ID or as `after`.
//
// What goes wrong before the service has found the job is answered with its status. A job
// that ends with an error ends the stream with that, under the number behind its last event.
// Who has seen the end already gets 204, which keeps browsers from coming back.
//
// Used by the server's thread until it is complete, then by one call after the other;
// OnClientGone by any thread. That the client goes ends the watch alone.
class JobEventsHandler final : public RequestHandler,
                               public std::enable_shared_from_this<JobEventsHandler> {
 public:
  // Answers at once what needs no question to the service. `backend` must outlive what comes
  // of it.
  static RouteTable::Outcome Handle(const UpscaleBackend& backend, const RoutedRequest& request);

  // Behind the event numbered `after`.
  JobEventsHandler(const UpscaleBackend& backend, JobRequest job, std::uint64_t after);

  void OnBody(std::string_view /*part*/) override {}
  void OnComplete(Respond respond) override;
  void OnClientGone() override { current_.Cancel(); }

 private:
  using JobAnswer = absl::StatusOr<v1::GetUpscaleJobResponse>;

  void Open();
  void OnEvent(const v1::UpscaleStreamResponse& event);
  // All that was written is to be taken before there is more.
  void Send(std::string text);
  void Ask(absl::AnyInvocable<void(const JobAnswer&) &&> on_answer);
  // The last event, now that the job is known: an event for each picture.
  void Complete(const v1::UpscaleStreamResponse& event, const JobAnswer& answer);
  void OnWatched(const absl::Status& status);
  // The watch has ended with an error: the job's, or its own.
  void Fail(const absl::Status& status, const JobAnswer& answer);
  // Ends the open stream, though the job may go on.
  void Abort(const absl::Status& status);

  const OpenCalls::Pass open_;
  JobRequest job_;
  const std::uint64_t after_;
  const std::string model_;
  KeepAlive& keep_alive_;  // Not used any more once the stream is open.
  Respond respond_;        // Null once it was called.
  std::uint64_t last_sequence_;
  CurrentCall current_;
  const std::shared_ptr<JobWatchCall> watch_ = JobWatchCall::Create();
  const std::shared_ptr<BodyPipe> pipe_ = std::make_shared<BodyPipe>();
};

}  // namespace upscaler
