#include "server/service/watch_job.h"

#include <utility>

#include "server/service/grpc_status.h"

namespace upscaler {

WatchJobCall* WatchJobCall::Begin(const JobCallContext& context,
                                  absl::StatusOr<std::shared_ptr<Job>> job,
                                  grpc::CallbackServerContext& call,
                                  const v1::WatchUpscaleJobRequest& request) {
  // Not make_shared: the constructor is private.
  const std::shared_ptr<WatchJobCall> self(
      new WatchJobCall(context, call, request.after_sequence()));
  self->self_ = self;
  if (!job.ok()) {
    self->End(job.status());
  } else if (const absl::Status status = (*job)->Watch(self); !status.ok()) {
    self->End(status);
  } else {
    self->job_ = *std::move(job);
    self->Greet(call);
    self->Advance();
  }
  return self.get();
}

WatchJobCall::WatchJobCall(const JobCallContext& context, grpc::CallbackServerContext& call,
                           std::uint64_t after_sequence)
    : sequence_(after_sequence), client_(context.calls.stalls, [&call] { call.TryCancel(); }) {}

void WatchJobCall::Greet(grpc::CallbackServerContext& call) {
  if (job_->After(sequence_).end.has_value()) return;
  call.AddInitialMetadata("x-upscaler-watching", "yes");
  StartSendInitialMetadata();
}

void WatchJobCall::OnChange() {
  if (Claim()) Advance();
}

void WatchJobCall::OnWriteDone(bool ok) {
  client_.Rest();
  if (!ok) {
    MutexLock lock(mutex_);
    gone_ = true;
  }
  Advance();
}

void WatchJobCall::OnCancel() {
  {
    MutexLock lock(mutex_);
    gone_ = true;
  }
  if (Claim()) Advance();
}

void WatchJobCall::OnDone() { self_.reset(); }

bool WatchJobCall::Claim() {
  MutexLock lock(mutex_);
  changed_ = true;
  return !std::exchange(claimed_, true);
}

bool WatchJobCall::Release() {
  MutexLock lock(mutex_);
  claimed_ = changed_;
  return !changed_;
}

void WatchJobCall::Advance() {
  do {
    bool gone = false;
    {
      MutexLock lock(mutex_);
      changed_ = false;
      gone = gone_;
    }
    if (gone) {
      End(absl::CancelledError("the caller went away"));
      return;
    }
    Job::Next next = job_->After(sequence_);
    if (next.event != nullptr) {
      event_ = std::move(next.event);
      ++sequence_;
      client_.Expect();
      StartWrite(event_.get());
      return;
    }
    if (next.end.has_value()) {
      End(*next.end);
      return;
    }
  } while (!Release());
}

void WatchJobCall::End(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

}  // namespace upscaler
