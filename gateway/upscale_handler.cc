#include "gateway/upscale_handler.h"

#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "gateway/rest_error.h"

namespace upscaler {
namespace {

absl::Status CheckOnePicture(const v1::UpscaleSpec& spec) {
  if (spec.image_count() <= 1) return absl::OkStatus();
  return InvalidField("n",
                      fmt::format("{} given; 1 is allowed where the answer is the image itself",
                                  spec.image_count()));
}

// Runs where the call ends, on one of gRPC's many threads, rather than on the one
// thread that serves all connections: a large picture takes a while to encode.
HttpResponse Answer(absl::StatusOr<v1::UpscaleResponse> response, const AnswerFacts& facts,
                    bool as_image) {
  if (response.ok() && response->images().empty()) {
    response = absl::InternalError("the service answered without a picture");
  }
  if (!response.ok()) return ErrorResponse(response.status());
  return as_image ? ImageAnswer(*std::move(response)) : JsonAnswer(*response, facts);
}

}  // namespace

UpscaleHandler::UpscaleHandler(const UpscaleBackend& backend, const HttpRequest& request,
                               const std::string& request_id, std::unique_ptr<FormReader> reader)
    : backend_(backend),
      request_id_(request_id),
      start_(backend.clock.Now()),
      accepted_image_(AcceptedImage(FindHeader(request.headers, "accept"))),
      call_(UpscaleCall::Create()),
      reader_(std::move(reader)) {}

void UpscaleHandler::OnBody(std::string_view part) {
  body_bytes_ += part.size();
  if (body_bytes_ <= backend_.max_upload_bytes && body_status_.ok()) {
    body_status_ = reader_->Read(part);
  }
}

void UpscaleHandler::OnComplete(Respond respond) {
  if (body_bytes_ > backend_.max_upload_bytes) {
    std::move(respond)(BodyTooLarge(backend_.max_upload_bytes));
    return;
  }
  const auto finish = [&backend = backend_, id = request_id_,
                       start = start_](const absl::Status& status) {
    if (backend.on_upscaled == nullptr) return;
    backend.on_upscaled({.request_id = id, .status = status, .took = backend.clock.Now() - start});
  };
  absl::StatusOr<UpscaleForm> form = TakeForm();
  if (!form.ok()) {
    finish(form.status());
    std::move(respond)(ErrorResponse(form.status()));
    return;
  }

  AnswerFacts facts{.id = request_id_,
                    .model = backend_.model,
                    .created = std::time(nullptr),
                    .response_format = form->response_format};
  call_->Start(backend_.channel,
               {.spec = std::move(form->spec),
                .image = std::move(form->image),
                .request_id = request_id_,
                .timeout = backend_.timeout},
               {.on_done = [respond = std::move(respond), facts = std::move(facts), finish,
                            as_image = accepted_image_.has_value()](
                               absl::StatusOr<v1::UpscaleResponse> response) mutable {
                 finish(response.status());
                 std::move(respond)(Answer(std::move(response), facts, as_image));
               }});
}

absl::StatusOr<UpscaleForm> UpscaleHandler::TakeForm() {
  UPSCALER_RETURN_IF_ERROR(body_status_);
  UPSCALER_ASSIGN_OR_RETURN(std::vector<FormField> fields, reader_->Finish());
  UPSCALER_ASSIGN_OR_RETURN(UpscaleForm form, ReadForm(std::move(fields), backend_.model));
  if (accepted_image_.has_value()) {
    UPSCALER_RETURN_IF_ERROR(CheckOnePicture(form.spec));
    if (form.spec.output_format() == v1::IMAGE_FORMAT_UNSPECIFIED) {
      form.spec.set_output_format(*accepted_image_);
    }
  }
  return form;
}

HttpResponse BodyTooLarge(std::size_t max_upload_bytes) {
  return ErrorResponse(RestError{
      .status = 413,
      .message =
          fmt::format("the body is too large; at most {} bytes are allowed", max_upload_bytes),
      .param = "image",
      .code = "body_too_large"});
}

}  // namespace upscaler
