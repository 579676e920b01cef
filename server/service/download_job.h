// One DownloadUpscaleJob call.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/support/server_callback.h>

#include "proto/upscaler/v1/job.pb.h"
#include "server/jobs/job.h"
#include "server/jobs/job_store.h"
#include "server/service/call_context.h"
#include "server/service/job_service.h"
#include "server/service/stall_watch.h"

namespace upscaler {

// Sends a finished picture, cut into chunks as they are taken. Everything happens one after
// the other: a piece is read, is sent, the next one is read.
class DownloadJobCall final : public grpc::ServerWriteReactor<v1::DownloadUpscaleJobResponse> {
 public:
  // Ends at once where there is no `job`. `context` and `call` must outlive the call.
  static DownloadJobCall* Begin(const JobCallContext& context,
                                absl::StatusOr<std::shared_ptr<Job>> job,
                                grpc::CallbackServerContext& call,
                                const v1::DownloadUpscaleJobRequest& request);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  DownloadJobCall(const JobCallContext& context, grpc::CallbackServerContext& call,
                  const v1::DownloadUpscaleJobRequest& request);

  // Finds the picture and puts its header into the response. As Job::PictureAt, and
  // kOutOfRange for an offset beyond its end.
  absl::Status Open(absl::StatusOr<std::shared_ptr<Job>> job);
  void Send();
  void ReadNext();
  void OnPiece(absl::StatusOr<std::string> piece);
  void End(const absl::Status& status);

  JobStore& jobs_;
  const std::size_t index_;
  std::uint64_t offset_;  // Of the next byte to send.
  std::uint64_t total_bytes_ = 0;
  std::shared_ptr<Job> job_;                 // Shared with the store, which may let it go before.
  v1::DownloadUpscaleJobResponse response_;  // Owned by gRPC until OnWriteDone.

  // First to go, so that it sees the call whole.
  StallWatch::Watched client_;
};

}  // namespace upscaler
