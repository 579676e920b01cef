#include "client/ask_server.h"

#include <condition_variable>
#include <cstddef>
#include <utility>

#include <absl/base/thread_annotations.h>

#include "client/async_unary_call.h"
#include "client/unary_call.h"
#include "client/upscale_call.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "proto/upscaler/v1/upscaler.grpc.pb.h"

namespace upscaler {
namespace {

using Info = absl::StatusOr<v1::GetServerInfoResponse>;
using InfoCall =
    AsyncUnaryCall<v1::UpscalerService, v1::GetServerInfoRequest, v1::GetServerInfoResponse>;

// The answers to several questions, until all are there. Thread-safe.
class Answers {
 public:
  explicit Answers(std::size_t count)
      : answers_(count, Info(absl::UnknownError("no answer yet"))), missing_(count) {}

  void Set(std::size_t index, Info answer) {
    const MutexLock lock(mutex_);
    answers_[index] = std::move(answer);
    --missing_;
    complete_.notify_all();
  }

  std::vector<Info> Await() {
    MutexLock lock(mutex_);
    while (missing_ > 0) lock.Wait(complete_);
    return std::move(answers_);
  }

 private:
  Mutex mutex_;
  std::condition_variable complete_;
  std::vector<Info> answers_ ABSL_GUARDED_BY(mutex_);
  std::size_t missing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<v1::EstimateUpscaleResponse> AskEstimate(
    const std::shared_ptr<grpc::Channel>& channel, const v1::EstimateUpscaleRequest& request,
    const CallOptions& options) {
  UPSCALER_RETURN_IF_ERROR(CheckTexts(request.spec()));
  const auto stub = v1::UpscalerService::NewStub(channel);
  return CallUnary(*stub, &v1::UpscalerService::Stub::EstimateUpscale, request, options);
}

absl::StatusOr<v1::GetServerInfoResponse> AskServerInfo(
    const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options) {
  const auto stub = v1::UpscalerService::NewStub(channel);
  return CallUnary(*stub, &v1::UpscalerService::Stub::GetServerInfo, v1::GetServerInfoRequest(),
                   options);
}

std::vector<Info> AskServerInfos(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                                 const CallOptions& options) {
  Answers answers(channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    InfoCall::Create()->Start(
        channels[i], &v1::UpscalerService::StubInterface::async_interface::GetServerInfo, {},
        options, [&answers, i](Info answer) { answers.Set(i, std::move(answer)); });
  }
  return answers.Await();
}

}  // namespace upscaler
