#include "client/retrying_upscale.h"

#include <utility>

namespace upscaler {

std::shared_ptr<RetryingUpscale> RetryingUpscale::Create(const RetryOptions& retries,
                                                         const Clock& clock) {
  // Not make_shared, which has no access to the constructor.
  return std::shared_ptr<RetryingUpscale>(new RetryingUpscale(retries, clock));
}

void RetryingUpscale::Start(std::shared_ptr<grpc::Channel> channel, UpscaleOrder order,
                            RetryingCallbacks callbacks) {
  channel_ = std::move(channel);
  order_ = std::move(order);
  callbacks_ = std::move(callbacks);
  schedule_.emplace(retries_, order_.timeout, clock_);
  Attempt();
}

void RetryingUpscale::Cancel() {
  std::shared_ptr<UpscaleCall> call;
  std::shared_ptr<grpc::Alarm> alarm;
  {
    const MutexLock lock(mutex_);
    cancelled_ = true;
    call = call_;
    alarm = alarm_;
  }
  if (call != nullptr) call->Cancel();
  if (alarm != nullptr) alarm->Cancel();
}

void RetryingUpscale::Attempt() {
  const std::shared_ptr<UpscaleCall> call = UpscaleCall::Create();
  // A call that is cancelled before its start ends as any cancelled one does.
  if (BeginCall(call)) call->Cancel();
  UpscaleOrder order = order_;
  order.timeout = schedule_->time_left();
  UpscaleCallbacks callbacks{
      .on_done = [self = shared_from_this()](absl::StatusOr<v1::UpscaleResponse> response) {
        self->OnAttemptDone(std::move(response));
      }};
  if (callbacks_.on_event != nullptr) {
    callbacks.on_event = [this](const v1::UpscaleStreamResponse& event) {
      callbacks_.on_event(event);
    };
  }
  call->Start(channel_, std::move(order), std::move(callbacks));
}

void RetryingUpscale::OnAttemptDone(absl::StatusOr<v1::UpscaleResponse> response) {
  const auto delay = response.ok() ? std::nullopt : schedule_->Next(response.status());
  if (!delay.has_value()) {
    End(std::move(response));
    return;
  }
  if (callbacks_.on_retry != nullptr) callbacks_.on_retry(response.status(), *delay);
  AttemptAfter(*delay);
}

void RetryingUpscale::AttemptAfter(std::chrono::milliseconds delay) {
  const auto alarm = std::make_shared<grpc::Alarm>();
  const std::uint64_t attempts = EndCall();
  // No lock is held: the alarm may go off before Set returns. Attempt looks whether it was
  // cancelled, however the alarm came to go off.
  alarm->Set(std::chrono::system_clock::now() + delay,
             [self = shared_from_this()](bool /*in_time*/) { self->Attempt(); });
  if (BeginWait(attempts, alarm)) alarm->Cancel();
}

bool RetryingUpscale::BeginCall(std::shared_ptr<UpscaleCall> call) {
  const MutexLock lock(mutex_);
  ++attempts_;
  alarm_ = nullptr;
  call_ = std::move(call);
  return cancelled_;
}

std::uint64_t RetryingUpscale::EndCall() {
  const MutexLock lock(mutex_);
  call_ = nullptr;
  return attempts_;
}

bool RetryingUpscale::BeginWait(std::uint64_t attempts, std::shared_ptr<grpc::Alarm> alarm) {
  const MutexLock lock(mutex_);
  if (attempts_ == attempts) alarm_ = std::move(alarm);
  return cancelled_;
}

void RetryingUpscale::End(absl::StatusOr<v1::UpscaleResponse> response) {
  // What the callbacks hold is let go of too: it may hold this in turn.
  RetryingCallbacks callbacks = std::move(callbacks_);
  channel_ = nullptr;
  order_ = {};
  std::move(callbacks.on_done)(std::move(response));
}

}  // namespace upscaler
