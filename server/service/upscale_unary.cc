#include "server/service/upscale_unary.h"

#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/bearer_key.h"
#include "server/service/call_events.h"
#include "server/service/grpc_status.h"
#include "server/service/validation.h"

namespace upscaler {

namespace {

TaskInput InputOf(const v1::UpscaleRequest& request) {
  if (!request.has_latents()) return {.bytes = request.image()};
  return {.bytes = request.latents().data(), .latents = request.latents().info()};
}

}  // namespace

// Waits for the end; there is nobody to tell of progress.
class UpscaleUnaryCall::Listener final : public JobListener {
 public:
  explicit Listener(UpscaleUnaryCall& call) : call_(call) {}

  void OnAccepted(const AcceptedPicture& /*picture*/) override {}
  void OnQueued(const QueuePlace& /*place*/) override {}
  void OnProgress(const JobProgress& /*progress*/) override {}
  void OnPreview(JobPreview /*preview*/) override {}

  void OnDone(absl::StatusOr<UpscaleOutcome> outcome) override {
    if (outcome.ok()) {
      call_.room_ = std::move(outcome->room);
      *call_.response_.mutable_timings() = TimingsOf(*outcome);
      call_.response_.mutable_warnings()->Assign(outcome->warnings.begin(),
                                                 outcome->warnings.end());
      for (UpscaledPicture& picture : outcome->pictures) {
        v1::UpscaledImage& image = *call_.response_.add_images();
        image = DescribePicture(picture, call_.output_format_);
        image.set_data(std::move(picture.encoded));
      }
    }
    call_.End(outcome.status());
  }

 private:
  UpscaleUnaryCall& call_;  // Lives until OnDone, see UpscaleUnaryCall.
};

UpscaleUnaryCall::UpscaleUnaryCall(const CallContext& context, grpc::CallbackServerContext& call,
                                   const v1::UpscaleRequest& request, v1::UpscaleResponse& response)
    : context_(context),
      call_(call),
      identity_(IdentifyCall(context, call, "upscaler.v1.UpscalerService/Upscale")),
      response_(response),
      client_(context.stalls, [this] { call_.TryCancel(); }) {
  if (const absl::Status status = StartJob(request); !status.ok()) End(status);
}

absl::Status UpscaleUnaryCall::StartJob(const v1::UpscaleRequest& request) {
  UPSCALER_ASSIGN_OR_RETURN(pass_, context_.access.Enter(BearerKeyOf(call_)));
  identity_.caller = pass_.caller();
  UPSCALER_ASSIGN_OR_RETURN(Upscaler * upscaler, UpscalerOf(context_));
  TaskInput input = InputOf(request);
  if (input.bytes.size() > context_.max_image_bytes) {
    return InvalidField(input.latents.has_value() ? "latents.data" : "image",
                        fmt::format("{} bytes given; at most {} are allowed", input.bytes.size(),
                                    context_.max_image_bytes));
  }
  UPSCALER_ASSIGN_OR_RETURN(UpscaleTask task,
                            MakeTask(request.spec(), std::move(input),
                                     DeadlineOf(call_, context_.clock), context_.draw_seed()));
  task.trace = TraceWork(context_, identity_);
  output_format_ = task.output.format;
  *response_.mutable_effective_spec() = EffectiveSpec(task);
  UPSCALER_ASSIGN_OR_RETURN(std::shared_ptr<CancelToken> job,
                            upscaler->Start(std::move(task), std::make_shared<Listener>(*this)));
  {
    MutexLock lock(mutex_);
    job_ = job;
  }
  // OnCancel may have come before there was a job to cancel.
  if (call_.IsCancelled()) upscaler->Cancel(*job);
  return absl::OkStatus();
}

void UpscaleUnaryCall::OnCancel() {
  std::shared_ptr<CancelToken> job;
  {
    MutexLock lock(mutex_);
    job = job_;
  }
  if (job != nullptr) (*UpscalerOf(context_))->Cancel(*job);
}

void UpscaleUnaryCall::OnDone() { delete this; }

void UpscaleUnaryCall::End(const absl::Status& status) {
  RecordCall(context_, identity_, status);
  client_.Expect();  // To take the answer.
  Finish(ToGrpcStatus(status));
}

}  // namespace upscaler
