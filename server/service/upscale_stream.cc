#include "server/service/upscale_stream.h"

#include <atomic>
#include <utility>

#include "server/service/call_events.h"
#include "server/service/grpc_status.h"
#include "server/service/validation.h"

namespace upscaler {

// Turns the job's events into the call's messages.
class UpscaleStreamCall::Listener final : public JobListener {
 public:
  Listener(UpscaleStreamCall& call, v1::UpscaleSpec effective_spec)
      : call_(call), effective_spec_(std::move(effective_spec)) {}

  void OnQueued(PictureSize input, std::size_t rows_ahead) override {
    v1::UpscaleStreamResponse accepted;
    *accepted.mutable_accepted()->mutable_effective_spec() = std::move(effective_spec_);
    *accepted.mutable_accepted()->mutable_input_size() = ToProto(input);
    *accepted.mutable_accepted()->mutable_output_size() =
        ToProto(PictureSize{.width = 2 * input.width, .height = 2 * input.height});
    call_.Send(std::move(accepted));
    v1::UpscaleStreamResponse queued;
    queued.mutable_queued()->set_position(static_cast<std::uint32_t>(rows_ahead));
    call_.Send(std::move(queued));
  }

  void OnProgress(const JobProgress& progress) override {
    const TimePoint now = call_.context_.clock.Now();
    TimePoint unset{};
    first_event_.compare_exchange_strong(unset, now);
    v1::UpscaleStreamResponse event;
    *event.mutable_progress() = DescribeProgress(progress, first_event_.load(), now);
    call_.Send(std::move(event));
  }

  void OnDone(absl::StatusOr<UpscaleOutcome> outcome) override {
    if (outcome.ok()) {
      call_.Deliver(*std::move(outcome));
    } else {
      call_.End(outcome.status());
    }
  }

 private:
  UpscaleStreamCall& call_;  // Lives until OnDone, see UpscaleStreamCall.
  v1::UpscaleSpec effective_spec_;
  std::atomic<TimePoint> first_event_{};  // When the first row left the queue.
};

UpscaleStreamCall::UpscaleStreamCall(const CallContext& context,
                                     const grpc::CallbackServerContext& call)
    : context_(context),
      call_(call),
      identity_(IdentifyCall(call, context.clock)),
      upload_(context.max_image_bytes) {
  StartRead(&request_);
}

void UpscaleStreamCall::OnReadDone(bool ok) {
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
  StartRead(&request_);
}

void UpscaleStreamCall::StartJob() {
  if (absl::Status status = upload_.Close(); !status.ok()) {
    End(std::move(status));
    return;
  }
  absl::StatusOr<UpscaleTask> task = MakeTask(
      upload_.spec(), upload_.TakeBytes(), DeadlineOf(call_, context_.clock), context_.draw_seed());
  if (!task.ok()) {
    End(task.status());
    return;
  }
  output_format_ = task->output.format;
  auto listener = std::make_shared<Listener>(*this, EffectiveSpec(*task));
  absl::StatusOr<std::shared_ptr<CancelToken>> job =
      context_.upscaler.Start(*std::move(task), std::move(listener));
  if (!job.ok()) {
    End(job.status());
    return;
  }
  {
    MutexLock lock(mutex_);
    job_ = *job;
  }
  // OnCancel may have come before there was a job to cancel.
  if (call_.IsCancelled()) context_.upscaler.Cancel(**job);
}

void UpscaleStreamCall::OnWriteDone(bool ok) {
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
  if (abandoned != nullptr) context_.upscaler.Cancel(*abandoned);
  Perform(action);
}

void UpscaleStreamCall::OnCancel() {
  std::shared_ptr<CancelToken> job;
  {
    MutexLock lock(mutex_);
    job = job_;
  }
  if (job != nullptr) context_.upscaler.Cancel(*job);
}

void UpscaleStreamCall::OnDone() { delete this; }

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
    end_ = std::move(status);
    action = NextAction();
  }
  Perform(action);
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
