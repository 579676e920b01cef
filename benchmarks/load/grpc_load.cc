// Load by gRPC's callback interface: as many calls in flight as it takes, without a thread
// for each.

#include <condition_variable>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "benchmarks/load/load.h"
#include "client/channel.h"
#include "common/mutex.h"
#include "upscaler/v1/upscaler.grpc.pb.h"

namespace upscaler::benchmark {
namespace {

using Clock = std::chrono::steady_clock;

class GrpcLoad {
 public:
  explicit GrpcLoad(const LoadOptions& options)
      : options_(options),
        stub_(v1::UpscalerService::NewStub(MakeChannel(options.grpc_address))),
        closed_loop_left_(options.rate > 0 ? 0 : options.requests) {}

  LoadResult Run() {
    RunOne();  // Connects.
    const Clock::time_point start = Clock::now();
    if (options_.rate > 0) {
      StartAtRate(start);
    } else {
      for (std::size_t i = 0; i < options_.concurrency; ++i) StartNext();
    }
    MutexLock lock(mutex_);
    while (in_flight_ > 0) lock.Wait(changed_);
    return {.samples = std::move(samples_), .elapsed = Clock::now() - start};
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::UpscaleRequest request;
    v1::UpscaleResponse response;
    Clock::time_point start;
  };

  std::shared_ptr<Call> MakeCall(std::size_t number) const {
    auto call = std::make_shared<Call>();
    v1::UpscaleSpec& spec = *call->request.mutable_spec();
    spec.set_prompt(options_.same_prompt ? "a photograph" : fmt::format("photograph {}", number));
    spec.set_num_inference_steps(options_.steps);
    spec.set_seed(number);
    call->request.set_image(options_.picture);
    return call;
  }

  void RunOne() {
    const auto call = MakeCall(0);
    call->context.set_wait_for_ready(true);
    stub_->Upscale(&call->context, call->request, &call->response);
  }

  void StartAtRate(Clock::time_point start) {
    std::mt19937_64 random(1);
    std::exponential_distribution<double> pause(options_.rate);
    double at = 0;
    while ((at += pause(random)) < options_.seconds) {
      std::this_thread::sleep_until(
          start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at)));
      StartCall();
    }
  }

  // The next call of the closed loop, if there is one.
  void StartNext() {
    {
      MutexLock lock(mutex_);
      if (closed_loop_left_ == 0) return;
      --closed_loop_left_;
    }
    StartCall();
  }

  void StartCall() {
    std::size_t number = 0;
    {
      MutexLock lock(mutex_);
      ++in_flight_;
      number = ++started_;
    }
    const auto call = MakeCall(number);
    call->start = Clock::now();
    stub_->async()->Upscale(&call->context, &call->request, &call->response,
                            [this, call](const grpc::Status& status) { OnDone(*call, status); });
  }

  void OnDone(const Call& call, const grpc::Status& status) {
    const Sample sample = {.code = static_cast<absl::StatusCode>(status.error_code()),
                           .latency = Clock::now() - call.start};
    if (options_.rate <= 0) StartNext();
    MutexLock lock(mutex_);
    samples_.push_back(sample);
    if (--in_flight_ == 0) changed_.notify_all();
  }

  const LoadOptions& options_;
  const std::unique_ptr<v1::UpscalerService::Stub> stub_;

  Mutex mutex_;
  std::condition_variable changed_;  // The last call has ended.
  std::size_t closed_loop_left_ ABSL_GUARDED_BY(mutex_);
  std::size_t started_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Sample> samples_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

LoadResult RunGrpcLoad(const LoadOptions& options) { return GrpcLoad(options).Run(); }

}  // namespace upscaler::benchmark
