#include "client/job_create_call.h"

#include <utility>

#include "client/call_options.h"
#include "client/grpc_error.h"

namespace upscaler {

std::shared_ptr<JobCreateCall> JobCreateCall::Create() {
  // Not make_shared, which has no access to the constructor.
  return std::shared_ptr<JobCreateCall>(new JobCreateCall());
}

void JobCreateCall::Start(const std::shared_ptr<grpc::Channel>& channel, UpscaleOrder order,
                          std::string key, OnAnswer on_answer) {
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
    std::move(on_answer)(std::move(status));
    return;
  }
  self_ = shared_from_this();
  on_answer_ = std::move(on_answer);
  if (!order.via.empty()) call->AddMetadata("x-upscaler-via", order.via);
  upload_ = UploadMessages(std::move(order.spec), std::move(order.latents), std::move(order.image),
                           std::move(order.counted));
  request_.set_request_id(std::move(key));

  v1::UpscaleJobService::NewStub(channel)->async()->CreateUpscaleJob(call.get(), &response_, this);
  SendNext();
  StartCall();
}

void JobCreateCall::SendNext() {
  if (upload_.Next(*request_.mutable_upload())) {
    StartWrite(&request_);
  } else {
    StartWritesDone();
  }
}

void JobCreateCall::OnWriteDone(bool ok) {
  if (!ok) return;  // The call has ended; OnDone says why.
  request_.clear_request_id();
  SendNext();
}

void JobCreateCall::OnDone(const grpc::Status& status) {
  // gRPC touches the call no more after this; the last holder destroys it.
  const std::shared_ptr<JobCreateCall> self = std::move(self_);
  upload_ = UploadMessages();  // Where the service did not want all of it.
  OnAnswer on_answer = std::move(on_answer_);
  LetGo();
  if (status.ok()) {
    std::move(on_answer)(std::move(response_));
  } else {
    std::move(on_answer)(FromGrpcStatus(status));
  }
}

}  // namespace upscaler
