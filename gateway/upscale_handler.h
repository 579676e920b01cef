// POST /v1/images/upscale: a form in, a gRPC call, the pictures out.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/job_create_call.h"
#include "client/job_run.h"
#include "client/upscale_call.h"
#include "common/clock.h"
#include "common/thread_pool.h"
#include "common/upload_budget.h"
#include "gateway/accept.h"
#include "gateway/backends.h"
#include "gateway/form_reader.h"
#include "gateway/http_server.h"
#include "gateway/job_wish.h"
#include "gateway/keep_alive.h"
#include "gateway/open_calls.h"
#include "gateway/upscale_answer.h"
#include "telemetry/trace_context.h"

namespace upscaler {

// An upscale that the gateway refused by itself, so that the service has never
// heard of it.
struct RefusedRequest {
  std::string request_id;
  std::optional<TraceContext> trace{};  // That it is a part of.
  absl::Status status;                  // Why.
  TimePoint::duration took;             // From the request's head to the answer.
};

// What all upscales share; it outlives them.
struct UpscaleBackend {
  const Backends& backends;
  // What clients call the model; empty while that is not known. Thread-safe; must not block.
  std::function<std::string()> model;
  std::size_t max_upload_bytes = 0;
  std::chrono::milliseconds timeout{0};
  const Clock& clock;
  // Called on any thread; may be null. Must not block.
  std::function<void(const RefusedRequest&)> on_refused;
  UploadBudget& uploads;
  // Whether a body counts there until it has been sent to the service, and not only until it
  // is complete: where the service does not take its pictures from the same budget.
  bool counts_unsent = false;
  // Whether the owner of an API key may ask; may be null. Must not block.
  std::function<absl::Status(const std::string& api_key)> authorize;
  KeepAlive& keep_alive;
  OpenCalls& open_calls;
  ThreadPool& pool;  // For reading large forms.
};

// Used by the server's thread until the request is complete, then by one of the pool, but for
// OnClientGone. Shared, as the pool holds it, too.
class UpscaleHandler final : public RequestHandler,
                             public std::enable_shared_from_this<UpscaleHandler> {
 public:
  UpscaleHandler(const UpscaleBackend& backend, const HttpRequest& request,
                 const std::string& request_id);

  void OnBody(std::string_view part) override;
  void OnComplete(Respond respond) override;
  void OnClientGone() override;

  // Why the request is refused already; OK while it is not.
  const absl::Status& problem() const { return problem_; }
  // The answer that says so; see Refuse.
  HttpResponse RefuseAs(const absl::Status& status) const;

 private:
  // The form, once the body is complete. An error means that the request is
  // refused.
  absl::StatusOr<UpscaleForm> TakeForm();
  absl::Status ReadPart(std::string_view part);
  // Reads the form and starts what it asks for.
  void Begin(Respond respond);
  void Start(UpscaleForm form, Respond respond);
  // Starts the job that the answer is to be about.
  void StartJob(const Backends::Home& home, UpscaleOrder order, Respond respond);
  // What the answer is made by, of an upscale's events.
  UpscaleCallbacks MakeCallbacks(const UpscaleForm& form, Respond respond) const;

  const UpscaleBackend& backend_;
  const std::string request_id_;
  const std::string api_key_;  // Empty where the request brings none.
  const std::optional<TraceContext> trace_;
  const TimePoint start_;
  const AnswerForm accepted_;
  JobWish wish_;
  // One of these is used, as the wish has it. Shared with gRPC while it runs.
  const std::shared_ptr<UpscaleCall> call_ = UpscaleCall::Create();
  const std::shared_ptr<JobRun> run_ = JobRun::Create();
  const std::shared_ptr<JobCreateCall> create_ = JobCreateCall::Create();
  // Null where nobody reads the body, or not any more.
  std::unique_ptr<FormReader> reader_;
  std::size_t body_bytes_ = 0;
  // Of the upload's bytes. Shared with the call where they count until they are sent.
  std::shared_ptr<UploadBudget::Share> share_;
  absl::Status problem_;  // Of what has come so far; an error is final.
};

// The answer to an upscale that is refused; backend.on_refused hears of it.
HttpResponse Refuse(const UpscaleBackend& backend, const RefusedRequest& refused);

// Why a body of more than `max_upload_bytes` is refused.
absl::Status BodyTooLarge(std::size_t max_upload_bytes);

}  // namespace upscaler
