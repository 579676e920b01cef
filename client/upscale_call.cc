#include "client/upscale_call.h"

#include <cstdint>
#include <utility>

#include <unicode/ustring.h>

#include "client/call_options.h"
#include "client/grpc_error.h"
#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

absl::Status CheckUtf8(const char* field, const std::string& text) {
  // Asks for the length only; the error tells whether the bytes were sound.
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(nullptr, 0, nullptr, text.data(), static_cast<std::int32_t>(text.size()), &error);
  if (error != U_INVALID_CHAR_FOUND) return absl::OkStatus();
  return InvalidField(field, "other bytes given; UTF-8 is allowed");
}

}  // namespace

// Protobuf refuses other bytes only at the far end, with an error that names no
// field.
absl::Status CheckTexts(const v1::UpscaleSpec& spec) {
  UPSCALER_RETURN_IF_ERROR(CheckUtf8("prompt", spec.prompt()));
  return CheckUtf8("negative_prompt", spec.negative_prompt());
}

std::shared_ptr<UpscaleCall> UpscaleCall::Create() {
  // Not make_shared, which has no access to the constructor.
  return std::shared_ptr<UpscaleCall>(new UpscaleCall());
}

void UpscaleCall::Start(const std::shared_ptr<grpc::Channel>& channel, UpscaleOrder order,
                        UpscaleCallbacks callbacks) {
  const std::shared_ptr<grpc::ClientContext> call = context();
  absl::Status status = CheckTexts(order.spec);
  if (status.ok()) {
    status = Prepare(*call, {.api_key = std::move(order.api_key),
                             .request_id = std::move(order.request_id),
                             .traceparent = std::move(order.traceparent),
                             .tracestate = std::move(order.tracestate),
                             .timeout = order.timeout});
  }
  if (!status.ok()) {
    std::move(callbacks.on_done)(std::move(status));
    return;
  }
  self_ = shared_from_this();
  callbacks_ = std::move(callbacks);
  if (!order.via.empty()) call->AddMetadata("x-upscaler-via", order.via);
  upload_ = UploadMessages(std::move(order.spec), std::move(order.latents), std::move(order.image),
                           std::move(order.counted));

  v1::UpscalerService::NewStub(channel)->async()->UpscaleStream(call.get(), this);
  SendNext();
  StartRead(&event_);
  StartCall();
}

void UpscaleCall::Cancel() {
  if (const auto call = context()) call->TryCancel();
}

std::shared_ptr<grpc::ClientContext> UpscaleCall::context() const {
  const MutexLock lock(mutex_);
  return context_;
}

void UpscaleCall::SendNext() {
  if (upload_.Next(request_)) {
    StartWrite(&request_);
  } else {
    StartWritesDone();
  }
}

void UpscaleCall::OnWriteDone(bool ok) {
  if (ok) SendNext();  // Otherwise the call has ended; OnDone says why.
}

void UpscaleCall::OnReadDone(bool ok) {
  if (!ok) return;
  if (breach_ = assembler_.Add(event_); !breach_.ok()) {
    Cancel();
    return;
  }
  if (callbacks_.on_event != nullptr && !event_.has_image_chunk()) callbacks_.on_event(event_);
  StartRead(&event_);
}

void UpscaleCall::OnDone(const grpc::Status& status) {
  // gRPC touches the call no more after this; the last holder destroys it.
  const std::shared_ptr<UpscaleCall> self = std::move(self_);
  upload_ = UploadMessages();  // Where the service did not want all of it.
  // What the callbacks hold is let go of too: it may hold this call in turn.
  UpscaleCallbacks callbacks = std::move(callbacks_);
  {
    const MutexLock lock(mutex_);
    context_ = nullptr;
  }
  if (!breach_.ok()) {
    std::move(callbacks.on_done)(breach_);
  } else if (!status.ok()) {
    std::move(callbacks.on_done)(FromGrpcStatus(status));
  } else {
    std::move(callbacks.on_done)(std::move(assembler_).Finish());
  }
}

}  // namespace upscaler
