// A gRPC service without a worker: it keeps what it is sent and plays a script.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "common/mutex.h"
#include "proto/upscaler/v1/upscaler.grpc.pb.h"

namespace upscaler::test {

// What the service does once the picture has come in.
struct UpscaleScript {
  std::vector<v1::UpscaleStreamResponse> events{};
  // Then it ends the call so, or, if `hold`, when the client has cancelled it.
  grpc::Status status{};
  bool hold = false;
};

// What it has been sent.
struct ReceivedUpscale {
  v1::UpscaleSpec spec;
  v1::UpscaleStreamRequest::Start start;
  std::string image;
  std::string authorization;
  std::string request_id;
  std::string traceparent;
  std::string tracestate;
  std::string via;
  std::size_t largest_chunk = 0;
};

// The events of a request that goes well: a step, then `pictures`, numbered seeds
// from 7, each announced as 64 by 32 pixels and sent in chunks of three bytes.
UpscaleScript GoodScript(const std::vector<std::string>& pictures,
                         v1::ImageFormat format = v1::IMAGE_FORMAT_PNG);

// What a full queue says: come back after `delay`.
grpc::Status QueueFull(std::chrono::milliseconds delay);

// Serves on a port of its own. Thread-safe.
class FakeUpscalerService final : public v1::UpscalerService::CallbackService {
 public:
  explicit FakeUpscalerService(
      UpscaleScript script,
      std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials());
  ~FakeUpscalerService() override;

  // What the first calls play instead, one each. Before the first call.
  void set_first(std::vector<UpscaleScript> scripts) { first_ = std::move(scripts); }

  // Called by many threads at a time.
  using Estimate =
      std::function<grpc::Status(const v1::EstimateUpscaleRequest&, v1::EstimateUpscaleResponse&)>;

  // What EstimateUpscale answers. Before the first call; until then it is not implemented.
  void set_estimate(Estimate estimate) { estimate_ = std::move(estimate); }

  const std::string& target() const { return target_; }

  // The requests that were received whole, in order.
  std::vector<ReceivedUpscale> received() const;

  void AwaitReceived(std::size_t count);
  void AwaitCancelled(std::size_t count);

  grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse>* UpscaleStream(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* EstimateUpscale(grpc::CallbackServerContext* context,
                                            const v1::EstimateUpscaleRequest* request,
                                            v1::EstimateUpscaleResponse* response) override;

  // The only Authorization that GetServerInfo answers to. Before the first call; until then
  // it answers to all.
  void set_wanted_authorization(std::string text) { wanted_authorization_ = std::move(text); }

  // What GetServerInfo calls the model. Before the first call.
  void set_model(std::string name) { model_ = std::move(name); }

  // How GetServerInfo ends. Before the first call.
  void set_info_status(grpc::Status status) { info_status_ = std::move(status); }

  // Returns when GetServerInfo was asked so often.
  void AwaitInfos(std::size_t count);

  // Answers with a version, "1.2.3", and a model, "the-model" unless another one was set.
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override;

 private:
  class Call;

  const UpscaleScript& NextScript();
  void Receive(ReceivedUpscale received);
  void CountInfo();
  void CountCancel();

  const UpscaleScript script_;
  std::vector<UpscaleScript> first_;
  std::string target_;
  Estimate estimate_;
  std::string wanted_authorization_;
  std::string model_ = "the-model";
  grpc::Status info_status_{};

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedUpscale> received_ ABSL_GUARDED_BY(mutex_);
  std::size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t cancelled_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t infos_ ABSL_GUARDED_BY(mutex_) = 0;

  // Last, so that its calls end before what they use.
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace upscaler::test
