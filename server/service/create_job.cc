#include "server/service/create_job.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/call_events.h"
#include "server/service/event_listener.h"
#include "server/service/grpc_status.h"
#include "server/service/validation.h"

namespace upscaler {
namespace {

constexpr std::size_t kMaxRequestIdBytes = 128;

absl::Status CheckRequestId(const std::string& id) {
  const bool visible = std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 127; });
  if (visible && id.size() <= kMaxRequestIdBytes) return absl::OkStatus();
  return InvalidField(
      "request_id", fmt::format("{} bytes given; at most {} of ASCII that can be seen are allowed",
                                id.size(), kMaxRequestIdBytes));
}

JobResult ResultOf(UpscaleOutcome outcome, ImageFormat format) {
  JobResult result{.completed = DescribeCompleted(outcome)};
  for (std::size_t i = 0; i < outcome.pictures.size(); ++i) {
    result.images.push_back(DescribeHeader(outcome.pictures[i], format, i));
    result.pictures.push_back(std::move(outcome.pictures[i].encoded));
  }
  result.on_kept = [room = std::move(outcome.room)]() mutable { room.reset(); };
  return result;
}

// Writes what the worker tells into the job, and keeps its caller's place for as long.
class Recorder final : public EventListener {
 public:
  Recorder(v1::UpscaleSpec effective_spec, const Clock& clock, JobStore& jobs,
           std::shared_ptr<Job> job, ImageFormat format, AccessPass pass)
      : EventListener(std::move(effective_spec), clock),
        jobs_(jobs),
        job_(std::move(job)),
        format_(format),
        pass_(std::move(pass)) {}

  void OnDone(absl::StatusOr<UpscaleOutcome> outcome) override {
    pass_ = AccessPass();  // Before anybody hears of the end, and comes with the next job.
    if (!admitted_) {
      jobs_.Refuse(job_, outcome.status());
    } else if (!outcome.ok()) {
      jobs_.Finish(job_, outcome.status());
    } else {
      jobs_.Finish(job_, ResultOf(*std::move(outcome), format_));
    }
  }

 private:
  void Send(v1::UpscaleStreamResponse event) override {
    const bool accepted = event.has_accepted();
    job_->AddEvent(std::move(event));
    if (!accepted) return;
    admitted_ = true;
    jobs_.Admit(job_);
  }

  JobStore& jobs_;
  const std::shared_ptr<Job> job_;  // Shared with the store, which may let it go before.
  const ImageFormat format_;
  AccessPass pass_;
  bool admitted_ = false;  // Set by the first event, before there are others.
};

}  // namespace

CreateJobCall* CreateJobCall::Begin(const JobCallContext& context, absl::StatusOr<AccessPass> pass,
                                    grpc::CallbackServerContext& call,
                                    v1::CreateUpscaleJobResponse& response) {
  // Not make_shared: the constructor is private.
  const std::shared_ptr<CreateJobCall> self(new CreateJobCall(context, call, response));
  self->self_ = self;
  if (!pass.ok()) {
    self->End(pass.status());
  } else if (const absl::Status status = UpscalerOf(context.calls).status(); !status.ok()) {
    self->End(status);
  } else {
    self->pass_ = *std::move(pass);
    self->identity_.caller = self->pass_.caller();
    self->client_.Expect();
    self->StartRead(&self->request_);
  }
  return self.get();
}

CreateJobCall::CreateJobCall(const JobCallContext& context, grpc::CallbackServerContext& call,
                             v1::CreateUpscaleJobResponse& response)
    : context_(context.calls),
      jobs_(context.jobs),
      call_(call),
      identity_(IdentifyCall(context_, call, "upscaler.v1.UpscaleJobService/CreateUpscaleJob")),
      response_(response),
      upload_(context_.max_image_bytes, context_.uploads),
      client_(context_.stalls, [this] {
        End(WithReason(
            absl::DeadlineExceededError("the rest of the picture did not arrive in time"),
            "UPLOAD_STALLED"));
      }) {}

void CreateJobCall::OnReadDone(bool ok) {
  client_.Rest();
  if (ended()) return;  // It stalled, or the caller went away.
  if (call_.IsCancelled()) {
    End(absl::CancelledError("the caller went away"));
    return;
  }
  if (const absl::Status status = ok ? TakeMessage() : BeginJob(); !status.ok()) {
    End(status);
    return;
  }
  if (!ok) return;
  request_ = {};
  if (upload_.GetsOn()) {
    client_.Expect();
  } else {
    client_.Resume();
  }
  StartRead(&request_);
}

absl::Status CreateJobCall::TakeMessage() {
  if (!std::exchange(begun_, true)) {
    UPSCALER_RETURN_IF_ERROR(CheckRequestId(request_.request_id()));
    request_id_ = request_.request_id();
  }
  v1::UpscaleStreamRequest& message = *request_.mutable_upload();
  if (!request_id_.empty()) digest_.AddInput(message.chunk().data());
  return upload_.Add(std::move(message));
}

absl::Status CreateJobCall::BeginJob() {
  UPSCALER_RETURN_IF_ERROR(upload_.Close());
  TaskInput input = upload_.TakeInput();
  const std::optional<v1::LatentsInfo> latents = input.latents;
  // Without the call's deadline: the job outlives the call.
  UPSCALER_ASSIGN_OR_RETURN(UpscaleTask task, MakeTask(upload_.spec(), std::move(input),
                                                       TimePoint::max(), context_.draw_seed()));
  task.trace = TraceWork(context_, identity_);
  UPSCALER_ASSIGN_OR_RETURN(Upscaler * upscaler, UpscalerOf(context_));
  v1::UpscaleSpec asked = EffectiveSpec(task);
  if (!upload_.spec().has_seed()) asked.clear_seed();
  UPSCALER_ASSIGN_OR_RETURN(
      JobStore::Created created,
      jobs_.Create({.caller = pass_.caller(),
                    .request_id = request_id_,
                    .digest = request_id_.empty()
                                  ? std::string()
                                  : digest_.Finish(asked, latents ? &*latents : nullptr),
                    .effective_spec = EffectiveSpec(task),
                    .call_request_id = identity_.request_id,
                    .trace_id = identity_.span.trace_id}));
  {
    MutexLock lock(mutex_);
    created_ = created;
  }
  if (!created.job->admission().has_value()) {
    const absl::Status status = created.job->Watch(weak_from_this());
    // Others who ask for the same may have taken all places.
    if (!status.ok() && created.created) jobs_.Refuse(created.job, status);
    UPSCALER_RETURN_IF_ERROR(status);
  }
  if (created.created) StartWork(std::move(task), *upscaler, created.job);
  OnChange();  // It may have been admitted before it was watched.
  return absl::OkStatus();
}

void CreateJobCall::StartWork(UpscaleTask task, Upscaler& upscaler,
                              const std::shared_ptr<Job>& job) {
  auto listener = std::make_shared<Recorder>(EffectiveSpec(task), context_.clock, jobs_, job,
                                             task.output.format, std::move(pass_));
  absl::StatusOr<std::shared_ptr<CancelToken>> work =
      upscaler.Start(std::move(task), std::move(listener));
  if (!work.ok()) {
    jobs_.Refuse(job, work.status());
    return;
  }
  job->SetCancel([&upscaler, token = *std::move(work)] { upscaler.Cancel(*token); });
}

void CreateJobCall::OnChange() {
  std::shared_ptr<Job> job;
  {
    MutexLock lock(mutex_);
    if (ended_ || !created_.has_value()) return;
    job = created_->job;
  }
  if (const std::optional<absl::Status> admission = job->admission()) End(*admission);
}

// The job, if there is one, lives on.
void CreateJobCall::OnCancel() { End(absl::CancelledError("the caller went away")); }

void CreateJobCall::OnDone() { self_.reset(); }

bool CreateJobCall::ended() const {
  MutexLock lock(mutex_);
  return ended_;
}

void CreateJobCall::End(const absl::Status& status) {
  std::optional<JobStore::Created> created;
  {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true)) return;
    created = created_;
  }
  if (status.ok()) {
    *response_.mutable_job() = created->job->Describe();
    response_.set_created(created->created);
  }
  RecordCall(context_, identity_, status);
  Finish(ToGrpcStatus(status));
}

}  // namespace upscaler
