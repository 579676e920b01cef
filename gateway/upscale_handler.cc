#include "gateway/upscale_handler.h"

#include <cstdint>
#include <ctime>
#include <new>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "gateway/api_key.h"
#include "gateway/job_answer.h"
#include "gateway/rest_error.h"
#include "gateway/streamed_answer.h"
#include "gateway/trace_headers.h"

namespace upscaler {
namespace {

// A form that takes longer to read than to hand over: megabytes of JSON take a tenth of a
// second, in which the server's thread would serve nobody.
constexpr std::size_t kLargeFormBytes = std::size_t{256} << 10;

absl::Status CheckOnePicture(const v1::UpscaleSpec& spec) {
  if (spec.image_count() <= 1) return absl::OkStatus();
  return InvalidField("n",
                      fmt::format("{} given; 1 is allowed where the answer is the image itself",
                                  spec.image_count()));
}

// Why the request's head alone is enough to refuse it. `has_reader` tells whether
// anything here can read its body.
absl::Status CheckHead(const HttpRequest& request, bool has_reader) {
  if (!has_reader) {
    return WithReason(
        absl::InvalidArgumentError(fmt::format("the Content-Type is '{}'; multipart/form-data or "
                                               "application/json is allowed",
                                               FindHeader(request.headers, "content-type"))),
        "UNSUPPORTED_MEDIA_TYPE");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::UpscaleResponse> NonEmpty(absl::StatusOr<v1::UpscaleResponse> response) {
  if (!response.ok() || !response->images().empty()) return response;
  return absl::InternalError("the service answered without a picture");
}

absl::Status StillLoading() {
  return WithRetryAfter(
      WithReason(absl::UnavailableError("no server has said what it serves yet"), "LOADING"),
      std::chrono::seconds(1));
}

// Runs where the call ends, on one of gRPC's many threads, rather than on the one
// thread that serves all connections: a large picture takes a while to encode.
HttpResponse Answer(absl::StatusOr<v1::UpscaleResponse> response, const AnswerFacts& facts,
                    bool as_image) try {
  if (!response.ok()) return ErrorResponse(response.status());
  return as_image ? ImageAnswer(*std::move(response)) : JsonAnswer(*std::move(response), facts);
} catch (const std::bad_alloc&) {  // See OutOfMemory.
  return ErrorResponse(OutOfMemory());
}

HttpResponse Accepted(const v1::UpscaleJob& job, const std::string& prefix,
                      const std::string& model) {
  const std::string id = prefix + job.job_id();
  HttpResponse response = JobAnswer(job, id, model);
  response.status = 202;
  response.headers.emplace_back("Location", JobUrl(id));
  response.headers.emplace_back("Preference-Applied", "respond-async");
  return response;
}

}  // namespace

UpscaleHandler::UpscaleHandler(const UpscaleBackend& backend, const HttpRequest& request,
                               const std::string& request_id)
    : backend_(backend),
      request_id_(request_id),
      api_key_(ApiKeyOf(request.headers)),
      trace_(TraceOf(request.headers)),
      start_(backend.clock.Now()),
      accepted_(AcceptedForm(FindHeader(request.headers, "accept"))),
      reader_(MakeFormReader(request)),
      share_(std::make_shared<UploadBudget::Share>(backend.uploads)),
      problem_(CheckHead(request, reader_ != nullptr)) {
  absl::StatusOr<JobWish> wish = ReadJobWish(request.headers);
  if (wish.ok()) wish_ = *std::move(wish);
  problem_.Update(wish.status());
  if (problem_.ok() && backend.authorize != nullptr) problem_ = backend.authorize(api_key_);
}

void UpscaleHandler::OnBody(std::string_view part) {
  if (!problem_.ok()) return;
  problem_ = ReadPart(part);
  if (problem_.ok()) return;
  reader_ = nullptr;  // What was kept is of no use.
  share_->GiveBack();
}

absl::Status UpscaleHandler::ReadPart(std::string_view part) {
  body_bytes_ += part.size();
  if (body_bytes_ > backend_.max_upload_bytes) return BodyTooLarge(backend_.max_upload_bytes);
  UPSCALER_RETURN_IF_ERROR(share_->Take(static_cast<std::int64_t>(part.size())));
  return ReadWithinMemory(*reader_, part);
}

void UpscaleHandler::OnComplete(Respond respond) {
  if (body_bytes_ < kLargeFormBytes) {
    Begin(std::move(respond));
  } else {
    backend_.pool.Add([self = shared_from_this(), respond = std::move(respond)]() mutable {
      self->Begin(std::move(respond));
    });
  }
}

void UpscaleHandler::Begin(Respond respond) {
  absl::StatusOr<UpscaleForm> form = TakeForm();
  if (!form.ok()) {
    std::move(respond)(RefuseAs(form.status()));
    return;
  }

  if (!backend_.counts_unsent) share_->GiveBack();  // The service counts it from here on.
  Start(*std::move(form), std::move(respond));
}

HttpResponse UpscaleHandler::RefuseAs(const absl::Status& status) const {
  return Refuse(backend_, {.request_id = request_id_,
                           .trace = trace_,
                           .status = status,
                           .took = backend_.clock.Now() - start_});
}

// Jobs that were started go on, since the client may come back.
void UpscaleHandler::OnClientGone() {
  call_->Cancel();
  run_->Cancel();
  create_->Cancel();
}

void UpscaleHandler::Start(UpscaleForm form, Respond respond) {
  UpscaleOrder order{.spec = std::move(form.spec),
                     .image = std::move(form.image),
                     .counted = std::move(share_),
                     .api_key = api_key_,
                     .request_id = request_id_,
                     .traceparent = trace_.has_value() ? trace_->traceparent : "",
                     .tracestate = trace_.has_value() ? trace_->tracestate : "",
                     .via = "rest",
                     .timeout = backend_.timeout};
  if (!wish_.any()) {
    call_->Start(backend_.backends.balanced(), std::move(order),
                 MakeCallbacks(form, std::move(respond)));
    return;
  }
  absl::StatusOr<Backends::Home> home = backend_.backends.ForNewJob(wish_.key);
  if (!home.ok()) {
    std::move(respond)(RefuseAs(home.status()));
  } else if (wish_.respond_async) {
    StartJob(*home, std::move(order), std::move(respond));
  } else {
    run_->Start(home->channel, std::move(order), wish_.key,
                MakeCallbacks(form, std::move(respond)));
  }
}

void UpscaleHandler::StartJob(const Backends::Home& home, UpscaleOrder order, Respond respond) {
  create_->Start(home.channel, std::move(order), wish_.key,
                 [prefix = home.prefix, model = backend_.model(), respond = std::move(respond)](
                     const absl::StatusOr<v1::CreateUpscaleJobResponse>& answer) mutable {
                   std::move(respond)(answer.ok() ? Accepted(answer->job(), prefix, model)
                                                  : ErrorResponse(answer.status()));
                 });
}

UpscaleCallbacks UpscaleHandler::MakeCallbacks(const UpscaleForm& form, Respond respond) const {
  AnswerFacts facts{.id = request_id_,
                    .model = backend_.model(),
                    .created = std::time(nullptr),
                    .response_format = form.response_format};
  UpscaleCallbacks callbacks;
  if (form.stream) {
    const auto answer =
        std::make_shared<StreamedAnswer>(std::move(respond), std::move(facts), backend_.keep_alive);
    callbacks.on_event = [answer](const v1::UpscaleStreamResponse& event) {
      answer->OnEvent(event);
    };
    callbacks.on_done =
        [answer, open = backend_.open_calls.Enter()](absl::StatusOr<v1::UpscaleResponse> response) {
          answer->OnDone(NonEmpty(std::move(response)));
        };
  } else {
    callbacks.on_done = [respond = std::move(respond), facts = std::move(facts),
                         as_image = accepted_.image.has_value()](
                            absl::StatusOr<v1::UpscaleResponse> response) mutable {
      std::move(respond)(Answer(NonEmpty(std::move(response)), facts, as_image));
    };
  }
  return callbacks;
}

absl::StatusOr<UpscaleForm> UpscaleHandler::TakeForm() try {
  UPSCALER_RETURN_IF_ERROR(problem_);
  UPSCALER_ASSIGN_OR_RETURN(std::vector<FormField> fields, reader_->Finish());
  const std::string model = backend_.model();
  if (model.empty()) return StillLoading();
  UPSCALER_ASSIGN_OR_RETURN(UpscaleForm form, ReadForm(std::move(fields), model));
  // What the call would refuse unsent is refused here, where it is counted.
  UPSCALER_RETURN_IF_ERROR(CheckTexts(form.spec));
  form.stream |= accepted_.events;
  if (accepted_.image.has_value() && !form.stream) {
    if (!wish_.respond_async) UPSCALER_RETURN_IF_ERROR(CheckOnePicture(form.spec));
    if (form.spec.output_format() == v1::IMAGE_FORMAT_UNSPECIFIED) {
      form.spec.set_output_format(*accepted_.image);
    }
  }
  // Those of a job are its watchers', and a part of the order however it is asked for.
  if (form.stream || wish_.any()) form.spec.set_preview_count(form.partial_images);
  return form;
} catch (const std::bad_alloc&) {  // JSON holds the picture three times on its way.
  return OutOfMemory();
}

HttpResponse Refuse(const UpscaleBackend& backend, const RefusedRequest& refused) {
  if (backend.on_refused != nullptr) backend.on_refused(refused);
  return ErrorResponse(refused.status);
}

absl::Status BodyTooLarge(std::size_t max_upload_bytes) {
  const std::string message =
      fmt::format("the body is too large; at most {} bytes are allowed", max_upload_bytes);
  return WithReason(WithField(absl::InvalidArgumentError(message), "image"), "BODY_TOO_LARGE");
}

}  // namespace upscaler
