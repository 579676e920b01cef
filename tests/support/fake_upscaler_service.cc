#include "tests/support/fake_upscaler_service.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/server_builder.h>

#include "common/crc32.h"

namespace upscaler::test {
namespace {

// Empty where there is none.
std::string Metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace

UpscaleScript GoodScript(const std::vector<std::string>& pictures, v1::ImageFormat format) {
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

grpc::Status QueueFull(std::chrono::milliseconds delay) {
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

class FakeUpscalerService::Call final
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

FakeUpscalerService::FakeUpscalerService(UpscaleScript script,
                                         std::shared_ptr<grpc::ServerCredentials> credentials)
    : script_(std::move(script)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", std::move(credentials), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  target_ = fmt::format("127.0.0.1:{}", port);
}

FakeUpscalerService::~FakeUpscalerService() = default;

std::vector<ReceivedUpscale> FakeUpscalerService::received() const {
  const MutexLock lock(mutex_);
  return received_;
}

void FakeUpscalerService::AwaitReceived(std::size_t count) {
  MutexLock lock(mutex_);
  while (received_.size() < count) lock.Wait(changed_);
}

void FakeUpscalerService::AwaitCancelled(std::size_t count) {
  MutexLock lock(mutex_);
  while (cancelled_ < count) lock.Wait(changed_);
}

grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse>*
FakeUpscalerService::UpscaleStream(grpc::CallbackServerContext* context) {
  // By gRPC's convention a reactor deletes itself in OnDone.
  return std::make_unique<Call>(*this, *context, NextScript()).release();
}

grpc::ServerUnaryReactor* FakeUpscalerService::EstimateUpscale(
    grpc::CallbackServerContext* context, const v1::EstimateUpscaleRequest* request,
    v1::EstimateUpscaleResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(estimate_ == nullptr ? grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")
                                       : estimate_(*request, *response));
  return reactor;
}

void FakeUpscalerService::AwaitInfos(std::size_t count) {
  MutexLock lock(mutex_);
  while (infos_ < count) lock.Wait(changed_);
}

grpc::ServerUnaryReactor* FakeUpscalerService::GetServerInfo(
    grpc::CallbackServerContext* context, const v1::GetServerInfoRequest* /*request*/,
    v1::GetServerInfoResponse* response) {
  response->set_version("1.2.3");
  response->mutable_model()->set_name(model_);
  CountInfo();
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const bool wanted =
      wanted_authorization_.empty() || Metadata(*context, "authorization") == wanted_authorization_;
  reactor->Finish(wanted ? info_status_
                         : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no such key"));
  return reactor;
}

const UpscaleScript& FakeUpscalerService::NextScript() {
  const MutexLock lock(mutex_);
  const std::size_t call = calls_++;
  return call < first_.size() ? first_[call] : script_;
}

void FakeUpscalerService::Receive(ReceivedUpscale received) {
  const MutexLock lock(mutex_);
  received_.push_back(std::move(received));
  changed_.notify_all();
}

void FakeUpscalerService::CountInfo() {
  const MutexLock lock(mutex_);
  ++infos_;
  changed_.notify_all();
}

void FakeUpscalerService::CountCancel() {
  const MutexLock lock(mutex_);
  ++cancelled_;
  changed_.notify_all();
}

}  // namespace upscaler::test
