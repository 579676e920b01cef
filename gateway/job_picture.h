// GET and HEAD /v1/jobs/{job_id}/images/{index}: a finished picture, or a part of it.

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/current_call.h"
#include "client/job_calls.h"
#include "gateway/body_pipe.h"
#include "gateway/byte_range.h"
#include "gateway/http_message.h"
#include "gateway/http_server.h"
#include "gateway/job_request.h"
#include "gateway/open_calls.h"
#include "gateway/route_table.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// The bytes come from the service as fast as the client takes them: one part at a time is
// here, however large the picture is.
//
// Used by the server's thread until it is complete, then by one call after the other;
// OnClientGone by any thread.
class JobPictureHandler final : public RequestHandler,
                                public std::enable_shared_from_this<JobPictureHandler> {
 public:
  // Answers at once what needs no question to the service. `backend` must outlive what comes
  // of it.
  static RouteTable::Outcome Handle(const UpscaleBackend& backend, const RoutedRequest& request);

  JobPictureHandler(const UpscaleBackend& backend, JobRequest job, std::uint32_t index,
                    const HttpRequest& request);

  void OnBody(std::string_view /*part*/) override {}
  void OnComplete(Respond respond) override;
  void OnClientGone() override { current_.Cancel(); }

 private:
  void OnJob(const absl::StatusOr<v1::GetUpscaleJobResponse>& answer);
  // Decides on the answer, now that the picture is known.
  void Offer(const v1::UpscaleStreamResponse::ImageHeader& picture);
  void Download();
  void OnPart(v1::DownloadUpscaleJobResponse& part);
  void OnDownloaded(const absl::Status& status);
  // Passes on as much of `data` as is asked for.
  void Pass(std::string data);

  // The answer without its body.
  HttpResponse Head(const v1::UpscaleStreamResponse::ImageHeader& picture) const;

  const OpenCalls::Pass open_;
  JobRequest job_;
  const std::uint32_t index_;
  const bool head_only_;
  const HttpHeaders headers_;
  Respond respond_;
  HttpResponse answer_;     // Until the first bytes are on their way.
  ByteRange range_;         // What is asked for.
  std::uint64_t left_ = 0;  // Of it, what has not come yet.
  CurrentCall current_;
  const std::shared_ptr<JobDownloadCall> download_ = JobDownloadCall::Create();
  const std::shared_ptr<BodyPipe> pipe_ = std::make_shared<BodyPipe>();
};

}  // namespace upscaler
