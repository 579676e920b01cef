// Sends spans to a collector, by OTLP over gRPC.
//
// Nothing waits for it: where the collector is away or slow, spans wait in a bounded queue, and
// those that find it full are left out and counted.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <grpcpp/channel.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h>

#include "common/mutex.h"
#include "telemetry/otlp/otlp_messages.h"
#include "telemetry/span.h"

namespace upscaler {

// Thread-safe.
class OtlpExporter final : public SpanSink {
 public:
  struct Options {
    std::string endpoint{};  // The collector's host:port, without TLS.
    SpanSource source{};
    std::size_t most_waiting = 4096;                // Spans.
    std::size_t most_at_once = 512;                 // Of them, in one call.
    std::chrono::milliseconds interval{1000};       // Between calls, unless there are that many.
    std::chrono::milliseconds timeout{3000};        // Of a call.
    std::chrono::milliseconds retry_pause{5000};    // After one that the collector did not take.
    std::chrono::milliseconds last_patience{3000};  // With all that waits at the end.
    int most_tries = 12;                            // Of the same spans: for a minute.
    // Is told how sending goes, when that changes. On the exporter's thread.
    std::function<void(const absl::Status&)> on_change = [](const absl::Status& /*status*/) {};
  };

  explicit OtlpExporter(Options options);

  // Sends what waits, for as long as `last_patience`, and no more where the collector does not
  // take some.
  ~OtlpExporter() override ABSL_LOCKS_EXCLUDED(mutex_);

  OtlpExporter(const OtlpExporter&) = delete;
  OtlpExporter& operator=(const OtlpExporter&) = delete;

  void Add(Span span) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Spans that were left out since the start.
  std::uint64_t dropped() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until it is time to send the next ones; answers them. None when all are sent and it is
  // time to end.
  std::vector<Span> AwaitSpans() ABSL_LOCKS_EXCLUDED(mutex_);
  // False when it is time to end.
  bool AwaitRetry() ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends them, again and again where that is worth it.
  absl::Status Deliver(const std::vector<Span>& spans) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Send(const std::vector<Span>& spans) ABSL_LOCKS_EXCLUDED(mutex_);
  // Until when the next call may take.
  std::chrono::system_clock::time_point CallDeadline() const ABSL_LOCKS_EXCLUDED(mutex_);
  void CountDropped(std::size_t spans) ABSL_LOCKS_EXCLUDED(mutex_);
  // At the end, when the collector has not taken some: the rest would fare no better.
  bool GivesUp() ABSL_LOCKS_EXCLUDED(mutex_);
  void Tell(const absl::Status& status);

  const Options options_;
  const std::unique_ptr<opentelemetry::proto::collector::trace::v1::TraceService::Stub> stub_;
  bool going_well_ = true;  // The thread's own.

  mutable Mutex mutex_;
  std::condition_variable changed_;  // There are enough to send, or it is time to end.
  std::deque<Span> waiting_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::system_clock::time_point last_moment_ ABSL_GUARDED_BY(mutex_);  // At the end.

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
