// POST /v1/images/upscale: a form in, a gRPC call, the pictures out.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "client/upscale_call.h"
#include "common/clock.h"
#include "gateway/form_reader.h"
#include "gateway/http_server.h"
#include "gateway/upscale_answer.h"

namespace upscaler {

// How one upscale by REST ended. `status` is the form's or the service's.
struct UpscaleRecord {
  const std::string& request_id;
  const absl::Status& status;
  TimePoint::duration took;
};

// What all upscales share; it outlives them.
struct UpscaleBackend {
  std::shared_ptr<grpc::Channel> channel;  // Shared, as gRPC's channels are.
  std::string model;
  std::size_t max_upload_bytes = 0;
  std::chrono::milliseconds timeout{0};
  const Clock& clock;
  // Called on any thread; may be null. Must not block.
  std::function<void(const UpscaleRecord&)> on_upscaled;
};

// Used by the server's thread, but for OnClientGone.
class UpscaleHandler final : public RequestHandler {
 public:
  UpscaleHandler(const UpscaleBackend& backend, const HttpRequest& request,
                 const std::string& request_id, std::unique_ptr<FormReader> reader);

  void OnBody(std::string_view part) override;
  void OnComplete(Respond respond) override;
  void OnClientGone() override { call_->Cancel(); }

 private:
  // The form, once the body is complete.
  absl::StatusOr<UpscaleForm> TakeForm();

  const UpscaleBackend& backend_;
  const std::string request_id_;
  const TimePoint start_;
  const std::optional<v1::ImageFormat> accepted_image_;
  const std::shared_ptr<UpscaleCall> call_;
  const std::unique_ptr<FormReader> reader_;
  std::size_t body_bytes_ = 0;
  absl::Status body_status_;  // Of the body so far.
};

// The answer to a body of more than `max_upload_bytes`.
HttpResponse BodyTooLarge(std::size_t max_upload_bytes);

}  // namespace upscaler
