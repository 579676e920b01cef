#include "gateway/job_events.h"

#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/image_size.h"
#include "common/error_details.h"
#include "common/status_macros.h"
#include "gateway/call_handler.h"
#include "gateway/event_stream.h"
#include "gateway/job_answer.h"
#include "gateway/rest_error.h"
#include "gateway/upscale_answer.h"

namespace upscaler {
namespace {

// By this the service says that it has found the job, which may tell nothing for a while.
constexpr const char* kWatching = "x-upscaler-watching";

absl::StatusOr<std::uint64_t> ReadSequence(const char* name, std::string_view text) {
  std::uint64_t sequence = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, sequence);
  if (stop == end && error == std::errc()) return sequence;
  return InvalidField(
      name, fmt::format("'{:.40}' given; the number of an event of this job is allowed", text));
}

// A browser comes back to the address that it began with: its header is newer than that.
absl::StatusOr<std::uint64_t> ReadAfter(const HttpRequest& request) {
  const std::string_view last = FindHeader(request.headers, "last-event-id");
  if (!last.empty()) return ReadSequence("Last-Event-ID", last);
  const std::string_view after = FindHeader(request.query, "after");
  if (!after.empty()) return ReadSequence("after", after);
  return 0;
}

// The head alone: nobody would ever read the events. Without a pipe, as libmicrohttpd ends
// what comes in chunks even where nothing of it is sent.
RouteTable::Outcome HeadOf(const JobRequest& job) {
  const auto call = JobGetCall::Create();
  return std::make_shared<CallHandler>(call, [call, job](Respond respond) {
    v1::GetUpscaleJobRequest question;
    question.set_job_id(job.address.job_id);
    call->Start(job.address.channel, &JobMethods::GetUpscaleJob, std::move(question), job.options,
                [respond = std::move(respond)](
                    const absl::StatusOr<v1::GetUpscaleJobResponse>& answer) mutable {
                  std::move(respond)(answer.ok() ? EventStream(/*pipe=*/nullptr)
                                                 : ErrorResponse(answer.status()));
                });
  });
}

}  // namespace

RouteTable::Outcome JobEventsHandler::Handle(const UpscaleBackend& backend,
                                             const RoutedRequest& request) {
  absl::StatusOr<JobRequest> job = ReadJobRequest(backend.backends, request);
  if (!job.ok()) return ErrorResponse(job.status());
  const absl::StatusOr<std::uint64_t> after = ReadAfter(request.http);
  if (!after.ok()) return ErrorResponse(after.status());
  if (request.http.method == "HEAD") return HeadOf(*job);
  return std::make_shared<JobEventsHandler>(backend, *std::move(job), *after);
}

JobEventsHandler::JobEventsHandler(const UpscaleBackend& backend, JobRequest job,
                                   std::uint64_t after)
    : open_(backend.open_calls.Enter()),
      job_(std::move(job)),
      after_(after),
      model_(backend.model()),
      keep_alive_(backend.keep_alive),
      last_sequence_(after) {}

void JobEventsHandler::OnComplete(Respond respond) {
  respond_ = std::move(respond);
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(job_.address.job_id);
  request.set_after_sequence(after_);
  CallOptions options = job_.options;
  options.timeout.reset();  // As long as the job takes.
  current_.Enter(watch_);
  watch_->Start(job_.address.channel, &JobMethods::WatchUpscaleJob, std::move(request), options,
                {.on_begin =
                     [self = shared_from_this()](const ServerMetadata& metadata) {
                       if (metadata.contains(kWatching)) self->Open();
                     },
                 .on_message =
                     [self = shared_from_this()](const v1::WatchUpscaleJobResponse& message) {
                       self->OnEvent(message.event());
                     },
                 .on_done = [self = shared_from_this()](
                                const absl::Status& status) { self->OnWatched(status); }});
}

void JobEventsHandler::Open() {
  if (respond_ == nullptr) return;
  keep_alive_.Add(pipe_);
  std::exchange(respond_, nullptr)(EventStream(pipe_));
}

void JobEventsHandler::OnEvent(const v1::UpscaleStreamResponse& event) {
  Open();
  last_sequence_ = event.sequence();
  if (!event.has_completed()) {
    Send(ProgressEvent(event, job_.id));
    return;
  }
  Ask([self = shared_from_this(), event](const JobAnswer& answer) {
    self->Complete(event, answer);
  });
}

void JobEventsHandler::Send(std::string text) {
  pipe_->Write(std::move(text));
  pipe_->WhenEmpty([self = shared_from_this()] { self->watch_->ReadOn(); });
}

void JobEventsHandler::Ask(absl::AnyInvocable<void(const JobAnswer&) &&> on_answer) {
  v1::GetUpscaleJobRequest question;
  question.set_job_id(job_.address.job_id);
  const auto call = JobGetCall::Create();
  current_.Enter(call);
  call->Start(job_.address.channel, &JobMethods::GetUpscaleJob, std::move(question), job_.options,
              [on_answer = std::move(on_answer)](const JobAnswer& answer) mutable {
                std::move(on_answer)(answer);
              });
}

// The job is asked for because the events that tell of its pictures may be among those that
// the client has seen before.
void JobEventsHandler::Complete(const v1::UpscaleStreamResponse& event, const JobAnswer& answer) {
  current_.Enter(watch_);
  if (!answer.ok()) {
    Abort(answer.status());
    watch_->Cancel();
    return;
  }
  v1::UpscaleResponse response;
  *response.mutable_effective_spec() = answer->job().effective_spec();
  *response.mutable_timings() = event.completed().timings();
  *response.mutable_warnings() = event.completed().warnings();
  const nlohmann::ordered_json run = DescribeRun(response, model_);
  // The events that say that a picture is there are none of REST's: their numbers are free
  // for those that bring it, but for the first one's, so that the last one has the last.
  std::uint64_t sequence =
      event.sequence() - static_cast<std::uint64_t>(answer->job().images_size());
  std::string text;
  for (const auto& image : answer->job().images()) {
    if (++sequence <= after_) continue;
    nlohmann::ordered_json data = DescribeJobPicture(job_.id, image);
    data["image_index"] = image.index();
    data["size"] = SizeName(image.image().size());
    data.update(run);
    text += CompletedEvent(job_.id, sequence, std::move(data));
  }
  Send(std::move(text));
}

void JobEventsHandler::OnWatched(const absl::Status& status) {
  if (!status.ok()) {
    Ask([self = shared_from_this(), status](const JobAnswer& answer) {
      self->Fail(status, answer);
    });
    return;
  }
  if (respond_ != nullptr) {
    std::exchange(respond_, nullptr)(HttpResponse{.status = 204});
  } else {
    pipe_->Close();
  }
}

void JobEventsHandler::Fail(const absl::Status& status, const JobAnswer& answer) {
  if (answer.ok() && answer->job().has_error()) {
    const std::uint64_t sequence = answer->job().last_sequence() + 1;
    if (respond_ != nullptr && after_ >= sequence) {
      std::exchange(respond_, nullptr)(HttpResponse{.status = 204});
      return;
    }
    Open();
    pipe_->Write(ErrorEvent(job_.id, sequence, ErrorOf(answer->job().error())));
    pipe_->Close();
  } else if (respond_ != nullptr) {
    std::exchange(respond_, nullptr)(ErrorResponse(status));
  } else {
    Abort(status);
  }
}

void JobEventsHandler::Abort(const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    pipe_->Write(ErrorEvent(job_.id, last_sequence_ + 1, status));
    pipe_->Close();
  } else {
    // The way to the service broke. The client comes back, and misses nothing.
    pipe_->Break();
  }
}

}  // namespace upscaler
