// A job service without a worker: one job, whose events and picture are a script, and
// whose connections break where the script says.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "common/crc32.h"
#include "common/mutex.h"
#include "proto/upscaler/v1/job.grpc.pb.h"

namespace upscaler::test {

// What the service does. A number of items after which the connection breaks stands for
// one call each; calls beyond them do not break.
struct JobScript {
  v1::UpscaleJobState state = v1::UPSCALE_JOB_STATE_SUCCEEDED;
  std::uint64_t events = 0;  // Progress, of the steps 1 to `events`.
  std::vector<std::size_t> watch_breaks{};
  grpc::Status watch_end{};
  std::string picture{};
  std::uint32_t crc32 = 0;  // 0: that of the picture.
  std::vector<std::size_t> download_breaks{};
  std::size_t create_breaks = 0;  // Calls that fail after the upload.
};

// What it has been sent by CreateUpscaleJob.
struct ReceivedJob {
  std::string request_id;
  std::string authorization;
  v1::UpscaleStreamRequest::Start start;
  std::string image;
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

  grpc::Status CreateUpscaleJob(grpc::ServerContext* context,
                                grpc::ServerReader<v1::CreateUpscaleJobRequest>* reader,
                                v1::CreateUpscaleJobResponse* response) override {
    ReceivedJob received;
    const auto key = context->client_metadata().find("authorization");
    if (key != context->client_metadata().end()) {
      received.authorization.assign(key->second.data(), key->second.size());
    }
    v1::CreateUpscaleJobRequest request;
    while (reader->Read(&request)) {
      received.request_id += request.request_id();
      if (request.upload().has_start()) received.start = request.upload().start();
      received.image += request.upload().chunk().data();
    }
    const MutexLock lock(mutex_);
    created_.push_back(std::move(received));
    if (created_.size() <= script_.create_breaks) return kBroken;
    response->set_created(created_.size() == 1);
    Describe(*response->mutable_job());
    return grpc::Status::OK;
  }

  grpc::Status GetUpscaleJob(grpc::ServerContext* /*context*/,
                             const v1::GetUpscaleJobRequest* request,
                             v1::GetUpscaleJobResponse* response) override {
    if (request->job_id() != kJobId) return {grpc::StatusCode::NOT_FOUND, "no such job"};
    Describe(*response->mutable_job());
    return grpc::Status::OK;
  }

  grpc::Status ListUpscaleJobs(grpc::ServerContext* /*context*/,
                               const v1::ListUpscaleJobsRequest* request,
                               v1::ListUpscaleJobsResponse* response) override {
    Describe(*response->add_jobs());
    response->set_next_page_token(request->page_token() + "+");
    return grpc::Status::OK;
  }

  grpc::Status CancelUpscaleJob(grpc::ServerContext* /*context*/,
                                const v1::CancelUpscaleJobRequest* /*request*/,
                                v1::CancelUpscaleJobResponse* response) override {
    Describe(*response->mutable_job());
    response->mutable_job()->set_state(v1::UPSCALE_JOB_STATE_CANCELLED);
    return grpc::Status::OK;
  }

  grpc::Status DeleteUpscaleJob(grpc::ServerContext* /*context*/,
                                const v1::DeleteUpscaleJobRequest* request,
                                v1::DeleteUpscaleJobResponse* /*response*/) override {
    if (request->job_id() != kJobId) return {grpc::StatusCode::NOT_FOUND, "no such job"};
    return grpc::Status::OK;
  }

  grpc::Status WatchUpscaleJob(grpc::ServerContext* /*context*/,
                               const v1::WatchUpscaleJobRequest* request,
                               grpc::ServerWriter<v1::WatchUpscaleJobResponse>* writer) override {
    const std::size_t limit =
        LimitOf(script_.watch_breaks, watched_after_, request->after_sequence());
    std::size_t sent = 0;
    for (std::uint64_t i = request->after_sequence() + 1; i <= script_.events; ++i, ++sent) {
      if (sent == limit) return kBroken;
      v1::WatchUpscaleJobResponse response;
      response.mutable_event()->set_sequence(i);
      response.mutable_event()->mutable_progress()->set_step(static_cast<std::uint32_t>(i));
      writer->Write(response);
    }
    return sent == limit ? kBroken : script_.watch_end;
  }

  // In chunks of three bytes.
  grpc::Status DownloadUpscaleJob(
      grpc::ServerContext* /*context*/, const v1::DownloadUpscaleJobRequest* request,
      grpc::ServerWriter<v1::DownloadUpscaleJobResponse>* writer) override {
    const std::size_t limit = LimitOf(script_.download_breaks, downloaded_from_, request->offset());
    v1::DownloadUpscaleJobResponse part;
    auto& header = *part.mutable_image_header();
    header.set_index(request->image_index());
    header.set_total_bytes(script_.picture.size());
    header.set_crc32(script_.crc32 != 0 ? script_.crc32 : Crc32(script_.picture));
    header.mutable_image()->set_seed(7);
    writer->Write(part);
    std::size_t sent = 0;
    for (std::size_t at = request->offset(); at < script_.picture.size(); at += 3, ++sent) {
      if (sent == limit) return kBroken;
      part.mutable_image_chunk()->set_data(script_.picture.substr(at, 3));
      writer->Write(part);
    }
    return sent == limit ? kBroken : grpc::Status::OK;
  }

 private:
  // As a connection that breaks: no details.
  inline static const grpc::Status kBroken{grpc::StatusCode::UNAVAILABLE, "connection reset"};

  void Describe(v1::UpscaleJob& job) const {
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
  std::vector<ReceivedJob> created_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::uint64_t> watched_after_;    // Guarded by mutex_ while calls come in.
  std::vector<std::uint64_t> downloaded_from_;  // Likewise.

  // Last, so that its calls end before what they use.
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace upscaler::test
