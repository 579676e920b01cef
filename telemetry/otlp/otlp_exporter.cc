#include "telemetry/otlp/otlp_exporter.h"

#include <algorithm>
#include <new>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace upscaler {
namespace {

using opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;
using opentelemetry::proto::collector::trace::v1::TraceService;
using SteadyTime = std::chrono::steady_clock;

// A neighbour, without a proxy, that is looked for again as often as it is tried.
std::shared_ptr<grpc::Channel> ChannelTo(const OtlpExporter::Options& options) {
  const auto pause = static_cast<int>(options.retry_pause.count());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, pause);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, pause);
  return grpc::CreateCustomChannel(options.endpoint, grpc::InsecureChannelCredentials(), arguments);
}

// As OTLP's specification has it: those after which the same spans may be sent again.
bool IsWorthRetrying(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace

OtlpExporter::OtlpExporter(Options options)
    : options_(std::move(options)),
      stub_(TraceService::NewStub(ChannelTo(options_))),
      thread_([this] { Run(); }) {}

OtlpExporter::~OtlpExporter() {
  MutexLock lock(mutex_);
  ending_ = true;
  last_moment_ = std::chrono::system_clock::now() + options_.last_patience;
  changed_.notify_all();
}

void OtlpExporter::Add(Span span) {
  MutexLock lock(mutex_);
  if (waiting_.size() >= options_.most_waiting) {
    ++dropped_;
    return;
  }
  waiting_.push_back(std::move(span));
  if (waiting_.size() >= options_.most_at_once) changed_.notify_all();
}

std::uint64_t OtlpExporter::dropped() const {
  MutexLock lock(mutex_);
  return dropped_;
}

void OtlpExporter::Run() {
  while (true) {
    const std::vector<Span> spans = AwaitSpans();
    if (spans.empty()) return;
    if (Deliver(spans).ok()) continue;
    CountDropped(spans.size());
    if (GivesUp()) return;
  }
}

absl::Status OtlpExporter::Deliver(const std::vector<Span>& spans) {
  absl::Status status = Send(spans);
  for (int tries = 1; IsWorthRetrying(status) && tries < options_.most_tries && AwaitRetry();
       ++tries) {
    status = Send(spans);
  }
  return status;
}

std::vector<Span> OtlpExporter::AwaitSpans() {
  MutexLock lock(mutex_);
  auto next = SteadyTime::now() + options_.interval;
  while (!ending_ && waiting_.size() < options_.most_at_once) {
    if (lock.WaitUntil(changed_, next)) continue;
    if (!waiting_.empty()) break;
    next = SteadyTime::now() + options_.interval;
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), options_.most_at_once));
  std::vector<Span> spans(std::move_iterator(waiting_.begin()),
                          std::move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return spans;
}

bool OtlpExporter::AwaitRetry() {
  MutexLock lock(mutex_);
  const auto until = SteadyTime::now() + options_.retry_pause;
  while (!ending_ && lock.WaitUntil(changed_, until)) continue;
  return !ending_;
}

bool OtlpExporter::GivesUp() {
  MutexLock lock(mutex_);
  if (ending_) dropped_ += waiting_.size();
  return ending_;
}

absl::Status OtlpExporter::Send(const std::vector<Span>& spans) {
  grpc::ClientContext context;
  context.set_deadline(CallDeadline());
  ExportTraceServiceResponse response;
  absl::Status status;
  try {
    const grpc::Status answer =
        stub_->Export(&context, ExportRequest(options_.source, spans), &response);
    status =
        absl::Status(static_cast<absl::StatusCode>(answer.error_code()), answer.error_message());
  } catch (const std::bad_alloc&) {
    status = absl::ResourceExhaustedError("no memory for a batch of spans");
  }
  if (status.ok()) {
    const std::int64_t rejected = response.partial_success().rejected_spans();
    CountDropped(static_cast<std::size_t>(std::max<std::int64_t>(rejected, 0)));
  }
  Tell(status);
  return status;
}

std::chrono::system_clock::time_point OtlpExporter::CallDeadline() const {
  const auto usual = std::chrono::system_clock::now() + options_.timeout;
  MutexLock lock(mutex_);
  return ending_ ? std::min(usual, last_moment_) : usual;
}

void OtlpExporter::CountDropped(std::size_t spans) {
  MutexLock lock(mutex_);
  dropped_ += spans;
}

void OtlpExporter::Tell(const absl::Status& status) {
  if (std::exchange(going_well_, status.ok()) != status.ok()) options_.on_change(status);
}

}  // namespace upscaler
