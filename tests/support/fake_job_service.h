// A job service without a worker: one job, whose events and picture are a script, and
// whose connections break where the script says.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include "common/crc32.h"
#include "common/mutex.h"
#include "proto/upscaler/v1/job.grpc.pb.h"

namespace upscaler::test {

// What the service does. A number of items after which the connection breaks stands for
// one call each; calls beyond them do not break.
struct JobScript {
  v1::UpscaleJobState state = v1::UPSCALE_JOB_STATE_SUCCEEDED;
  std::uint64_t events = 0;                              // Progress, of the steps 1 to `events`.
  std::vector<v1::UpscaleStreamResponse> last_events{};  // After them.
  std::vector<std::size_t> watch_breaks{};
  grpc::Status watch_end{};
  bool hold = false;  // The watch does not end before the client has cancelled it.
  std::string picture{};
  std::size_t chunk_bytes = 3;
  std::uint32_t crc32 = 0;  // 0: that of the picture.
  std::vector<std::size_t> download_breaks{};
  std::size_t create_breaks = 0;  // Calls that fail after the upload.
  grpc::Status create_end{};      // How calls end that create.
  v1::UpscaleJob job{};           // What else there is to say of the job.
  std::size_t pages = SIZE_MAX;   // How many lists say that there is more.
};

// A status with a reason, as the service gives it.
inline grpc::Status Refusal(grpc::StatusCode code, const std::string& message,
                            const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return {code, message, details.SerializeAsString()};
}

// The script of a job that has made `pictures`, in two steps: seven events and more.
inline JobScript FinishedJob(const std::vector<std::string>& pictures) {
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

// A call that has come in, but for those that create.
struct ReceivedQuestion {
  std::string method;
  std::string job_id;
  std::string authorization;
  std::string request_id;
  std::chrono::system_clock::time_point deadline{};
};

// What it has been sent by CreateUpscaleJob.
struct ReceivedJob {
  std::string request_id{};
  std::string authorization{};
  std::string via{};
  v1::UpscaleStreamRequest::Start start{};
  std::string image{};
};

// Serves on a port of its own. Each call takes one thread of gRPC's. Thread-safe.
class FakeJobService final : public v1::UpscaleJobService::Service {
 public:
  static constexpr const char* kJobId = "job-1";

  explicit FakeJobService(JobScript script) : script_(std::move(script)) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    target_ = fmt::format("127.0.0.1:{}", port);
  }

  const std::string& target() const { return target_; }

  std::vector<ReceivedJob> created() const {
    const MutexLock lock(mutex_);
    return created_;
  }

  // What the calls have asked for.
  std::vector<std::uint64_t> watched_after() const {
    const MutexLock lock(mutex_);
    return watched_after_;
  }
  std::vector<std::uint64_t> downloaded_from() const {
    const MutexLock lock(mutex_);
    return downloaded_from_;
  }

  std::vector<ReceivedQuestion> asked() const {
    const MutexLock lock(mutex_);
    return asked_;
  }
  std::vector<v1::ListUpscaleJobsRequest> listed() const {
    const MutexLock lock(mutex_);
    return listed_;
  }

  // Returns when so many calls have been asked, watches and downloads among them.
  void AwaitAsked(std::size_t count) {
    MutexLock lock(mutex_);
    while (asked_.size() < count) lock.Wait(changed_);
  }
  // Returns when so many watches have ended because their client did.
  void AwaitCancelled(std::size_t count) {
    MutexLock lock(mutex_);
    while (cancelled_ < count) lock.Wait(changed_);
  }
  // Returns when so many downloads have ended early because their client did.
  void AwaitCutOff(std::size_t count) {
    MutexLock lock(mutex_);
    while (cut_off_ < count) lock.Wait(changed_);
  }
  // Chunks of pictures that were written so far.
  std::size_t chunks() const {
    const MutexLock lock(mutex_);
    return chunks_;
  }

  grpc::Status CreateUpscaleJob(grpc::ServerContext* context,
                                grpc::ServerReader<v1::CreateUpscaleJobRequest>* reader,
                                v1::CreateUpscaleJobResponse* response) override {
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

  grpc::Status GetUpscaleJob(grpc::ServerContext* context, const v1::GetUpscaleJobRequest* request,
                             v1::GetUpscaleJobResponse* response) override {
    Receive("Get", *context, request->job_id());
    if (request->job_id() != kJobId) return NoSuchJob();
    Describe(*response->mutable_job());
    return grpc::Status::OK;
  }

  grpc::Status ListUpscaleJobs(grpc::ServerContext* context,
                               const v1::ListUpscaleJobsRequest* request,
                               v1::ListUpscaleJobsResponse* response) override {
    Receive("List", *context, "");
    Describe(*response->add_jobs());
    const MutexLock lock(mutex_);
    listed_.push_back(*request);
    if (listed_.size() <= script_.pages) {
      response->set_next_page_token(fmt::format("{}+", request->page_token()));
    }
    return grpc::Status::OK;
  }

  grpc::Status CancelUpscaleJob(grpc::ServerContext* context,
                                const v1::CancelUpscaleJobRequest* request,
                                v1::CancelUpscaleJobResponse* response) override {
    Receive("Cancel", *context, request->job_id());
    if (request->job_id() != kJobId) return NoSuchJob();
    Describe(*response->mutable_job());
    response->mutable_job()->set_state(v1::UPSCALE_JOB_STATE_CANCELLED);
    return grpc::Status::OK;
  }

  grpc::Status DeleteUpscaleJob(grpc::ServerContext* context,
                                const v1::DeleteUpscaleJobRequest* request,
                                v1::DeleteUpscaleJobResponse* /*response*/) override {
    Receive("Delete", *context, request->job_id());
    if (request->job_id() != kJobId) return NoSuchJob();
    return grpc::Status::OK;
  }

  grpc::Status WatchUpscaleJob(grpc::ServerContext* context,
                               const v1::WatchUpscaleJobRequest* request,
                               grpc::ServerWriter<v1::WatchUpscaleJobResponse>* writer) override {
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

  grpc::Status DownloadUpscaleJob(
      grpc::ServerContext* context, const v1::DownloadUpscaleJobRequest* request,
      grpc::ServerWriter<v1::DownloadUpscaleJobResponse>* writer) override {
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

 private:
  // As a connection that breaks: no details.
  inline static const grpc::Status kBroken{grpc::StatusCode::UNAVAILABLE, "connection reset"};

  static grpc::Status NoSuchJob() {
    return Refusal(grpc::StatusCode::NOT_FOUND, "no such job", "JOB_NOT_FOUND");
  }

  // Empty where there is none.
  static std::string Metadata(const grpc::ServerContext& context, const char* key) {
    const auto found = context.client_metadata().find(key);
    if (found == context.client_metadata().end()) return "";
    return {found->second.data(), found->second.size()};
  }

  void Receive(const char* method, const grpc::ServerContext& context, const std::string& job_id) {
    const MutexLock lock(mutex_);
    asked_.push_back({.method = method,
                      .job_id = job_id,
                      .authorization = Metadata(context, "authorization"),
                      .request_id = Metadata(context, "x-request-id"),
                      .deadline = context.deadline()});
    changed_.notify_all();
  }

  v1::UpscaleStreamResponse EventAt(std::uint64_t sequence) const {
    v1::UpscaleStreamResponse event;
    if (sequence <= script_.events) {
      event.mutable_progress()->set_step(static_cast<std::uint32_t>(sequence));
    } else {
      event = script_.last_events[sequence - script_.events - 1];
    }
    event.set_sequence(sequence);
    return event;
  }

  // gRPC tells a call that takes a thread of nothing: it has to ask.
  void AwaitCancel(const grpc::ServerContext& context) {
    MutexLock lock(mutex_);
    while (!context.IsCancelled()) {
      lock.WaitUntil(changed_, std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
    }
    ++cancelled_;
    changed_.notify_all();
  }

  void Describe(v1::UpscaleJob& job) const {
    job = script_.job;
    job.set_job_id(kJobId);
    job.set_state(script_.state);
  }

  // Of this call, which asked for `from`.
  std::size_t LimitOf(const std::vector<std::size_t>& breaks, std::vector<std::uint64_t>& calls,
                      std::uint64_t from) {
    const MutexLock lock(mutex_);
    calls.push_back(from);
    return calls.size() <= breaks.size() ? breaks[calls.size() - 1] : SIZE_MAX;
  }

  const JobScript script_;
  std::string target_;

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedJob> created_ ABSL_GUARDED_BY(mutex_);
  std::vector<ReceivedQuestion> asked_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::ListUpscaleJobsRequest> listed_ ABSL_GUARDED_BY(mutex_);
  std::size_t cancelled_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t chunks_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t cut_off_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::uint64_t> watched_after_;    // Guarded by mutex_ while calls come in.
  std::vector<std::uint64_t> downloaded_from_;  // Likewise.

  // Last, so that its calls end before what they use.
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace upscaler::test
