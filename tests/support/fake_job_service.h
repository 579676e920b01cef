// A job service without a worker: one job, whose events and picture are a script, and
// whose connections break where the script says.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/server.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>
#include <grpcpp/support/sync_stream.h>

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
grpc::Status Refusal(grpc::StatusCode code, const std::string& message, const std::string& reason);

// The script of a job that has made `pictures`, in two steps: seven events and more.
JobScript FinishedJob(const std::vector<std::string>& pictures);

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

  explicit FakeJobService(JobScript script);
  ~FakeJobService() override;

  const std::string& target() const { return target_; }

  std::vector<ReceivedJob> created() const;

  // What the calls have asked for.
  std::vector<std::uint64_t> watched_after() const;
  std::vector<std::uint64_t> downloaded_from() const;

  std::vector<ReceivedQuestion> asked() const;
  std::vector<v1::ListUpscaleJobsRequest> listed() const;

  // Returns when so many calls have been asked, watches and downloads among them.
  void AwaitAsked(std::size_t count);
  // Returns when so many watches have ended because their client did.
  void AwaitCancelled(std::size_t count);
  // Returns when so many downloads have ended early because their client did.
  void AwaitCutOff(std::size_t count);
  // Chunks of pictures that were written so far.
  std::size_t chunks() const;

  grpc::Status CreateUpscaleJob(grpc::ServerContext* context,
                                grpc::ServerReader<v1::CreateUpscaleJobRequest>* reader,
                                v1::CreateUpscaleJobResponse* response) override;
  grpc::Status GetUpscaleJob(grpc::ServerContext* context, const v1::GetUpscaleJobRequest* request,
                             v1::GetUpscaleJobResponse* response) override;
  grpc::Status ListUpscaleJobs(grpc::ServerContext* context,
                               const v1::ListUpscaleJobsRequest* request,
                               v1::ListUpscaleJobsResponse* response) override;
  grpc::Status CancelUpscaleJob(grpc::ServerContext* context,
                                const v1::CancelUpscaleJobRequest* request,
                                v1::CancelUpscaleJobResponse* response) override;
  grpc::Status DeleteUpscaleJob(grpc::ServerContext* context,
                                const v1::DeleteUpscaleJobRequest* request,
                                v1::DeleteUpscaleJobResponse* response) override;
  grpc::Status WatchUpscaleJob(grpc::ServerContext* context,
                               const v1::WatchUpscaleJobRequest* request,
                               grpc::ServerWriter<v1::WatchUpscaleJobResponse>* writer) override;
  grpc::Status DownloadUpscaleJob(
      grpc::ServerContext* context, const v1::DownloadUpscaleJobRequest* request,
      grpc::ServerWriter<v1::DownloadUpscaleJobResponse>* writer) override;

 private:
  void Receive(const char* method, const grpc::ServerContext& context, const std::string& job_id);

  v1::UpscaleStreamResponse EventAt(std::uint64_t sequence) const;

  // gRPC tells a call that takes a thread of nothing: it has to ask.
  void AwaitCancel(const grpc::ServerContext& context);

  void Describe(v1::UpscaleJob& job) const;

  // Of this call, which asked for `from`.
  std::size_t LimitOf(const std::vector<std::size_t>& breaks, std::vector<std::uint64_t>& calls,
                      std::uint64_t from);

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
