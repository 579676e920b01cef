#include "server/service/upscale_stream.h"

#include <utility>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/bearer_key.h"
#include "server/service/event_listener.h"
#include "server/service/grpc_status.h"
#include "server/service/validation.h"

namespace upscaler {

// Sends the job's events to the client.
class UpscaleStreamCall::Listener final : public EventListener {
 public:
  Listener(UpscaleStreamCall& call, v1::UpscaleSpec effective_spec)
      : EventListener(std::move(effective_spec), call.context_.clock), call_(call) {}

  void OnDone(absl::StatusOr<UpscaleOutcome> outcome) override {
    if (outcome.ok()) {
      call_.Deliver(*std::move(outcome));
    } else {
      call_.End(outcome.status());
    }
  }

 private:
  void Send(v1::UpscaleStreamResponse event) override { call_.Send(std::move(event)); }

  UpscaleStreamCall& call_;  // Lives until OnDone, see UpscaleStreamCall.
};

UpscaleStreamCall::UpscaleStreamCall(const CallContext& context, grpc::CallbackServerContext& call)
    : context_(context),
      call_(call),
      identity_(IdentifyCall(context, call, "upscaler.v1.UpscalerService/UpscaleStream")),
      upload_(context.max_image_bytes, context.uploads),
      client_(context.stalls, [this] { OnStall(); }) {
  absl::StatusOr<AccessPass> pass = context.access.Enter(BearerKeyOf(call));
  absl::Status status = pass.ok() ? UpscalerOf(context_).status() : pass.status();
  if (!status.ok()) {
    End(std::move(status));
    return;
  }
  pass_ = *std::move(pass);
  identity_.caller = pass_.caller();
  client_.Expect();
  StartRead(&request_);
}

void UpscaleStreamCall::OnReadDone(bool ok) {
  client_.Rest();
  if (ended()) return;  // It stalled, and has been told so.
  if (call_.IsCancelled()) {
    End(absl::CancelledError("the caller went away"));
    return;
  }
  if (!ok) {
    StartJob();
    return;
  }
  if (absl::Status status = upload_.Add(std::move(request_)); !status.ok()) {
    End(std::move(status));
    return;
  }
  request_ = {};
  if (upload_.GetsOn()) {
    client_.Expect();
  } else {
    client_.Resume();
  }
  StartRead(&request_);
}

void UpscaleStreamCall::StartJob() {
  if (absl::Status status = TryStartJob(); !status.ok()) End(std::move(status));
}

absl::Status UpscaleStreamCall::TryStartJob() {
  UPSCALER_RETURN_IF_ERROR(upload_.Close());
  UPSCALER_ASSIGN_OR_RETURN(UpscaleTask task,
                            MakeTask(upload_.spec(), upload_.TakeInput(),
                                     DeadlineOf(call_, context_.clock), context_.draw_seed()));
  UPSCALER_ASSIGN_OR_RETURN(Upscaler * upscaler, UpscalerOf(context_));
  task.trace = TraceWork(context_, identity_);
  output_format_ = task.output.format;
  auto listener = std::make_shared<Listener>(*this, EffectiveSpec(task));
  UPSCALER_ASSIGN_OR_RETURN(std::shared_ptr<CancelToken> job,
                            upscaler->Start(std::move(task), std::move(listener)));
  {
    MutexLock lock(mutex_);
    job_ = job;
  }
  // OnCancel may have come before there was a job to cancel.
  if (call_.IsCancelled()) upscaler->Cancel(*job);
  return absl::OkStatus();
}

void UpscaleStreamCall::OnWriteDone(bool ok) {
  client_.Rest();
  std::shared_ptr<CancelToken> abandoned;
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) {
      abandoned = job_;
      // Nobody listens any more. If the job still runs, its end is the call's.
      if (end_.has_value()) end_ = absl::CancelledError("the caller went away");
    }
    action = NextAction();
  }
  if (abandoned != nullptr) (*UpscalerOf(context_))->Cancel(*abandoned);
  Perform(action);
}

void UpscaleStreamCall::OnCancel() {
  std::shared_ptr<CancelToken> job;
  {
    MutexLock lock(mutex_);
    job = job_;
  }
  if (job != nullptr) (*UpscalerOf(context_))->Cancel(*job);
}

void UpscaleStreamCall::OnDone() { delete this; }

bool UpscaleStreamCall::ended() const {
  MutexLock lock(mutex_);
  return end_.has_value();
}

void UpscaleStreamCall::Send(v1::UpscaleStreamResponse event) {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    outbox_.Add(std::move(event));
    action = NextAction();
  }
  Perform(action);
}

void UpscaleStreamCall::Deliver(UpscaleOutcome outcome) {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    outbox_.AddOutcome(std::move(outcome), output_format_);
    end_ = absl::OkStatus();
    action = NextAction();
  }
  Perform(action);
}

void UpscaleStreamCall::End(absl::Status status) {
  Action action = Action::kNothing;
  {
    MutexLock lock(mutex_);
    if (!end_.has_value()) end_ = std::move(status);
    action = NextAction();
  }
  Perform(action);
}

void UpscaleStreamCall::OnStall() {
  bool writing = false;
  {
    MutexLock lock(mutex_);
    writing = writing_;
  }
  // No status can overtake the message that is being written. Where none is, this is the
  // read side, and End has nothing to write: it must not, since a write would ask for the
  // lock that the watch holds while it calls this.
  if (writing) {
    call_.TryCancel();
  } else {
    End(WithReason(absl::DeadlineExceededError("the rest of the picture did not arrive in time"),
                   "UPLOAD_STALLED"));
  }
}

UpscaleStreamCall::Action UpscaleStreamCall::NextAction() {
  if (writing_ || finished_) return Action::kNothing;
  if (!end_.has_value() || end_->ok()) {
    if (std::optional<v1::UpscaleStreamResponse> next = outbox_.Take()) {
      response_ = *std::move(next);
      writing_ = true;
      return Action::kWrite;
    }
  }
  if (!end_.has_value()) return Action::kNothing;
  finished_ = true;
  return Action::kFinish;
}

void UpscaleStreamCall::Perform(Action action) {
  switch (action) {
    case Action::kNothing:
      return;
    case Action::kWrite:
      client_.Expect();
      StartWrite(&response_);
      return;
    case Action::kFinish:
      absl::Status status;
      {
        MutexLock lock(mutex_);
        status = *end_;
      }
      RecordCall(context_, identity_, status);
      Finish(ToGrpcStatus(status));
      return;
  }
}

}  // namespace upscaler
