#include "tests/support/fake_job_service.h"

#include <utility>

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "common/crc32.h"

namespace upscaler::test {
namespace {

// As a connection that breaks: no details.
const grpc::Status kBroken{grpc::StatusCode::UNAVAILABLE, "connection reset"};

grpc::Status NoSuchJob() {
  return Refusal(grpc::StatusCode::NOT_FOUND, "no such job", "JOB_NOT_FOUND");
}

// Empty where there is none.
std::string Metadata(const grpc::ServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace

grpc::Status Refusal(grpc::StatusCode code, const std::string& message, const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return {code, message, details.SerializeAsString()};
}

JobScript FinishedJob(const std::vector<std::string>& pictures) {
  JobScript script{.picture = pictures.front()};
  v1::UpscaleJob& job = script.job;
  job.mutable_effective_spec()->set_num_inference_steps(2);
  job.mutable_effective_spec()->set_output_format(v1::IMAGE_FORMAT_PNG);
  job.set_fraction(1);
  v1::UpscaleStreamResponse accepted;
  *accepted.mutable_accepted()->mutable_effective_spec() = job.effective_spec();
  script.last_events.push_back(accepted);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    v1::UpscaleStreamResponse::ImageHeader header;
    header.set_index(static_cast<std::uint32_t>(i));
    header.set_total_bytes(pictures[i].size());
    header.set_crc32(Crc32(pictures[i]));
    header.mutable_image()->set_format(v1::IMAGE_FORMAT_PNG);
    header.mutable_image()->set_seed(7 + i);
    header.mutable_image()->mutable_size()->set_width(64);
    header.mutable_image()->mutable_size()->set_height(32);
    *script.last_events.emplace_back().mutable_image_header() = header;
    *job.add_images() = header;
  }
  auto& completed = *script.last_events.emplace_back().mutable_completed();
  completed.mutable_timings()->mutable_total()->set_seconds(1);
  completed.add_warnings("the prompt was cut");
  job.set_last_sequence(script.last_events.size());
  return script;
}

FakeJobService::FakeJobService(JobScript script) : script_(std::move(script)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  target_ = fmt::format("127.0.0.1:{}", port);
}

FakeJobService::~FakeJobService() = default;

std::vector<ReceivedJob> FakeJobService::created() const {
  const MutexLock lock(mutex_);
  return created_;
}

std::vector<std::uint64_t> FakeJobService::watched_after() const {
  const MutexLock lock(mutex_);
  return watched_after_;
}

std::vector<std::uint64_t> FakeJobService::downloaded_from() const {
  const MutexLock lock(mutex_);
  return downloaded_from_;
}

std::vector<ReceivedQuestion> FakeJobService::asked() const {
  const MutexLock lock(mutex_);
  return asked_;
}

std::vector<v1::ListUpscaleJobsRequest> FakeJobService::listed() const {
  const MutexLock lock(mutex_);
  return listed_;
}

void FakeJobService::AwaitAsked(std::size_t count) {
  MutexLock lock(mutex_);
  while (asked_.size() < count) lock.Wait(changed_);
}

void FakeJobService::AwaitCancelled(std::size_t count) {
  MutexLock lock(mutex_);
  while (cancelled_ < count) lock.Wait(changed_);
}

void FakeJobService::AwaitCutOff(std::size_t count) {
  MutexLock lock(mutex_);
  while (cut_off_ < count) lock.Wait(changed_);
}

std::size_t FakeJobService::chunks() const {
  const MutexLock lock(mutex_);
  return chunks_;
}

grpc::Status FakeJobService::CreateUpscaleJob(
    grpc::ServerContext* context, grpc::ServerReader<v1::CreateUpscaleJobRequest>* reader,
    v1::CreateUpscaleJobResponse* response) {
  ReceivedJob received{.authorization = Metadata(*context, "authorization"),
                       .via = Metadata(*context, "x-upscaler-via")};
  v1::CreateUpscaleJobRequest request;
  while (reader->Read(&request)) {
    received.request_id += request.request_id();
    if (request.upload().has_start()) received.start = request.upload().start();
    received.image += request.upload().chunk().data();
  }
  const MutexLock lock(mutex_);
  created_.push_back(std::move(received));
  if (created_.size() <= script_.create_breaks) return kBroken;
  if (!script_.create_end.ok()) return script_.create_end;
  response->set_created(created_.size() == 1);
  Describe(*response->mutable_job());
  return grpc::Status::OK;
}

grpc::Status FakeJobService::GetUpscaleJob(grpc::ServerContext* context,
                                           const v1::GetUpscaleJobRequest* request,
                                           v1::GetUpscaleJobResponse* response) {
  Receive("Get", *context, request->job_id());
  if (request->job_id() != kJobId) return NoSuchJob();
  Describe(*response->mutable_job());
  return grpc::Status::OK;
}

grpc::Status FakeJobService::ListUpscaleJobs(grpc::ServerContext* context,
                                             const v1::ListUpscaleJobsRequest* request,
                                             v1::ListUpscaleJobsResponse* response) {
  Receive("List", *context, "");
  Describe(*response->add_jobs());
  const MutexLock lock(mutex_);
  listed_.push_back(*request);
  if (listed_.size() <= script_.pages) {
    response->set_next_page_token(fmt::format("{}+", request->page_token()));
  }
  return grpc::Status::OK;
}

grpc::Status FakeJobService::CancelUpscaleJob(grpc::ServerContext* context,
                                              const v1::CancelUpscaleJobRequest* request,
                                              v1::CancelUpscaleJobResponse* response) {
  Receive("Cancel", *context, request->job_id());
  if (request->job_id() != kJobId) return NoSuchJob();
  Describe(*response->mutable_job());
  response->mutable_job()->set_state(v1::UPSCALE_JOB_STATE_CANCELLED);
  return grpc::Status::OK;
}

grpc::Status FakeJobService::DeleteUpscaleJob(grpc::ServerContext* context,
                                              const v1::DeleteUpscaleJobRequest* request,
                                              v1::DeleteUpscaleJobResponse* /*response*/) {
  Receive("Delete", *context, request->job_id());
  if (request->job_id() != kJobId) return NoSuchJob();
  return grpc::Status::OK;
}

grpc::Status FakeJobService::WatchUpscaleJob(
    grpc::ServerContext* context, const v1::WatchUpscaleJobRequest* request,
    grpc::ServerWriter<v1::WatchUpscaleJobResponse>* writer) {
  Receive("Watch", *context, request->job_id());
  const std::size_t limit =
      LimitOf(script_.watch_breaks, watched_after_, request->after_sequence());
  if (request->job_id() != kJobId) return NoSuchJob();
  const std::uint64_t all = script_.events + script_.last_events.size();
  if (script_.hold || request->after_sequence() < all) {
    context->AddInitialMetadata("x-upscaler-watching", "yes");
    writer->SendInitialMetadata();
  }
  std::size_t sent = 0;
  for (std::uint64_t i = request->after_sequence() + 1; i <= all; ++i, ++sent) {
    if (sent == limit) return kBroken;
    v1::WatchUpscaleJobResponse response;
    *response.mutable_event() = EventAt(i);
    writer->Write(response);
  }
  if (script_.hold) AwaitCancel(*context);
  return sent == limit ? kBroken : script_.watch_end;
}

grpc::Status FakeJobService::DownloadUpscaleJob(
    grpc::ServerContext* context, const v1::DownloadUpscaleJobRequest* request,
    grpc::ServerWriter<v1::DownloadUpscaleJobResponse>* writer) {
  Receive("Download", *context, request->job_id());
  const std::size_t limit = LimitOf(script_.download_breaks, downloaded_from_, request->offset());
  v1::DownloadUpscaleJobResponse part;
  auto& header = *part.mutable_image_header();
  header.set_index(request->image_index());
  header.set_total_bytes(script_.picture.size());
  header.set_crc32(script_.crc32 != 0 ? script_.crc32 : Crc32(script_.picture));
  header.mutable_image()->set_seed(7);
  writer->Write(part);
  std::size_t sent = 0;
  for (std::size_t at = request->offset(); at < script_.picture.size();
       at += script_.chunk_bytes, ++sent) {
    if (sent == limit) return kBroken;
    part.mutable_image_chunk()->set_data(script_.picture.substr(at, script_.chunk_bytes));
    const bool gone = !writer->Write(part);
    const MutexLock lock(mutex_);
    gone ? ++cut_off_ : ++chunks_;
    changed_.notify_all();
    if (gone) break;
  }
  return sent == limit ? kBroken : grpc::Status::OK;
}

void FakeJobService::Receive(const char* method, const grpc::ServerContext& context,
                             const std::string& job_id) {
  const MutexLock lock(mutex_);
  asked_.push_back({.method = method,
                    .job_id = job_id,
                    .authorization = Metadata(context, "authorization"),
                    .request_id = Metadata(context, "x-request-id"),
                    .deadline = context.deadline()});
  changed_.notify_all();
}

v1::UpscaleStreamResponse FakeJobService::EventAt(std::uint64_t sequence) const {
  v1::UpscaleStreamResponse event;
  if (sequence <= script_.events) {
    event.mutable_progress()->set_step(static_cast<std::uint32_t>(sequence));
  } else {
    event = script_.last_events[sequence - script_.events - 1];
  }
  event.set_sequence(sequence);
  return event;
}

void FakeJobService::AwaitCancel(const grpc::ServerContext& context) {
  MutexLock lock(mutex_);
  while (!context.IsCancelled()) {
    lock.WaitUntil(changed_, std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
  }
  ++cancelled_;
  changed_.notify_all();
}

void FakeJobService::Describe(v1::UpscaleJob& job) const {
  job = script_.job;
  job.set_job_id(kJobId);
  job.set_state(script_.state);
}

std::size_t FakeJobService::LimitOf(const std::vector<std::size_t>& breaks,
                                    std::vector<std::uint64_t>& calls, std::uint64_t from) {
  const MutexLock lock(mutex_);
  calls.push_back(from);
  return calls.size() <= breaks.size() ? breaks[calls.size() - 1] : SIZE_MAX;
}

}  // namespace upscaler::test
