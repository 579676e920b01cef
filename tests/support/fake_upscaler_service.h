// A gRPC service without a worker: it keeps what it is sent and plays a script.

#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
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
inline UpscaleScript GoodScript(const std::vector<std::string>& pictures,
                                v1::ImageFormat format = v1::IMAGE_FORMAT_PNG) {
  UpscaleScript script;
  auto& events = script.events;
  auto& spec = *events.emplace_back().mutable_accepted()->mutable_effective_spec();
  spec.set_num_inference_steps(25);
  spec.set_output_format(format);
  events.emplace_back().mutable_queued()->set_position(2);
  auto& progress = *events.emplace_back().mutable_progress();
  progress.set_phase(v1::UpscaleStreamResponse::PHASE_DENOISE);
  progress.set_step(5);
  progress.set_total_steps(10);
  progress.set_fraction(0.5);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    auto& header = *events.emplace_back().mutable_image_header();
    header.set_index(static_cast<std::uint32_t>(i));
    header.set_total_bytes(pictures[i].size());
    header.set_crc32(Crc32(pictures[i]));
    header.mutable_image()->set_format(format);
    header.mutable_image()->set_seed(7 + i);
    header.mutable_image()->mutable_size()->set_width(64);
    header.mutable_image()->mutable_size()->set_height(32);
    for (std::size_t at = 0; at < pictures[i].size(); at += 3) {
      events.emplace_back().mutable_image_chunk()->set_data(pictures[i].substr(at, 3));
    }
  }
  auto& completed = *events.emplace_back().mutable_completed();
  completed.mutable_timings()->mutable_total()->set_seconds(1);
  completed.mutable_timings()->mutable_total()->set_nanos(500'000'000);
  completed.add_warnings("the prompt was cut");
  for (std::size_t i = 0; i < events.size(); ++i) events[i].set_sequence(i + 1);
  return script;
}

// What a full queue says: come back after `delay`.
inline grpc::Status QueueFull(std::chrono::milliseconds delay) {
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int>(delay.count() % 1000) * 1'000'000);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  details.add_details()->PackFrom(retry);
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full", details.SerializeAsString()};
}

// Serves on a port of its own. Thread-safe.
class FakeUpscalerService final : public v1::UpscalerService::CallbackService {
 public:
  explicit FakeUpscalerService(
      UpscaleScript script,
      std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials())
      : script_(std::move(script)) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    target_ = fmt::format("127.0.0.1:{}", port);
  }

  // What the first calls play instead, one each. Before the first call.
  void set_first(std::vector<UpscaleScript> scripts) { first_ = std::move(scripts); }

  // Called by many threads at a time.
  using Estimate =
      std::function<grpc::Status(const v1::EstimateUpscaleRequest&, v1::EstimateUpscaleResponse&)>;

  // What EstimateUpscale answers. Before the first call; until then it is not implemented.
  void set_estimate(Estimate estimate) { estimate_ = std::move(estimate); }

  const std::string& target() const { return target_; }

  // The requests that were received whole, in order.
  std::vector<ReceivedUpscale> received() const {
    const MutexLock lock(mutex_);
    return received_;
  }

  void AwaitReceived(std::size_t count) {
    MutexLock lock(mutex_);
    while (received_.size() < count) lock.Wait(changed_);
  }

  void AwaitCancelled(std::size_t count) {
    MutexLock lock(mutex_);
    while (cancelled_ < count) lock.Wait(changed_);
  }

  grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse>* UpscaleStream(
      grpc::CallbackServerContext* context) override {
    // By gRPC's convention a reactor deletes itself in OnDone.
    return std::make_unique<Call>(*this, *context, NextScript()).release();
  }

  grpc::ServerUnaryReactor* EstimateUpscale(grpc::CallbackServerContext* context,
                                            const v1::EstimateUpscaleRequest* request,
                                            v1::EstimateUpscaleResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(estimate_ == nullptr ? grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")
                                         : estimate_(*request, *response));
    return reactor;
  }

  // The only Authorization that GetServerInfo answers to. Before the first call; until then
  // it answers to all.
  void set_wanted_authorization(std::string text) { wanted_authorization_ = std::move(text); }

  // What GetServerInfo calls the model. Before the first call.
  void set_model(std::string name) { model_ = std::move(name); }

  // How GetServerInfo ends. Before the first call.
  void set_info_status(grpc::Status status) { info_status_ = std::move(status); }

  // Returns when GetServerInfo was asked so often.
  void AwaitInfos(std::size_t count) {
    MutexLock lock(mutex_);
    while (infos_ < count) lock.Wait(changed_);
  }

  // Answers with a version, "1.2.3", and a model, "the-model" unless another one was set.
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* /*request*/,
                                          v1::GetServerInfoResponse* response) override {
    response->set_version("1.2.3");
    response->mutable_model()->set_name(model_);
    CountInfo();
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    const bool wanted = wanted_authorization_.empty() ||
                        Metadata(*context, "authorization") == wanted_authorization_;
    reactor->Finish(wanted ? info_status_
                           : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no such key"));
    return reactor;
  }

 private:
  // Empty where there is none.
  static std::string Metadata(const grpc::CallbackServerContext& context, const char* key) {
    const auto found = context.client_metadata().find(key);
    if (found == context.client_metadata().end()) return "";
    return {found->second.data(), found->second.size()};
  }

  class Call final
      : public grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse> {
   public:
    Call(FakeUpscalerService& service, const grpc::CallbackServerContext& context,
         const UpscaleScript& script)
        : service_(service), script_(script) {
      received_.authorization = Metadata(context, "authorization");
      received_.request_id = Metadata(context, "x-request-id");
      received_.traceparent = Metadata(context, "traceparent");
      received_.tracestate = Metadata(context, "tracestate");
      received_.via = Metadata(context, "x-upscaler-via");
      StartRead(&request_);
    }

    void OnReadDone(bool ok) override {
      if (!ok) {
        service_.Receive(std::move(received_));
        Play();
        return;
      }
      if (request_.has_start()) {
        received_.start = request_.start();
        received_.spec = request_.start().spec();
      }
      received_.image += request_.chunk().data();
      received_.largest_chunk = std::max(received_.largest_chunk, request_.chunk().data().size());
      StartRead(&request_);
    }

    void OnWriteDone(bool ok) override {
      if (ok) Play();
    }

    void OnCancel() override {
      service_.CountCancel();
      const MutexLock lock(mutex_);
      End(grpc::Status::CANCELLED);
    }

    void OnDone() override { const std::unique_ptr<Call> self(this); }

   private:
    void Play() {
      const MutexLock lock(mutex_);
      if (ended_) return;
      if (next_ < script_.events.size()) {
        StartWrite(&script_.events[next_++]);
      } else if (!script_.hold) {
        End(script_.status);
      }
    }

    // Once: the script's end and the client's cancellation may meet.
    void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      if (!ended_) Finish(status);
      ended_ = true;
    }

    FakeUpscalerService& service_;
    const UpscaleScript& script_;
    v1::UpscaleStreamRequest request_;
    ReceivedUpscale received_;
    Mutex mutex_;
    std::size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
    bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  };

  const UpscaleScript& NextScript() {
    const MutexLock lock(mutex_);
    const std::size_t call = calls_++;
    return call < first_.size() ? first_[call] : script_;
  }

  void Receive(ReceivedUpscale received) {
    const MutexLock lock(mutex_);
    received_.push_back(std::move(received));
    changed_.notify_all();
  }

  void CountInfo() {
    const MutexLock lock(mutex_);
    ++infos_;
    changed_.notify_all();
  }

  void CountCancel() {
    const MutexLock lock(mutex_);
    ++cancelled_;
    changed_.notify_all();
  }

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
