// The exporter against a collector of the test's own.

#include "telemetry/otlp/otlp_exporter.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "common/mutex.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;
using opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;
using opentelemetry::proto::collector::trace::v1::TraceService;
using ::testing::ElementsAre;

// Keeps the names of the spans that it takes. Thread-safe.
class Collector final : public TraceService::Service {
 public:
  Collector() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Collector() override { server_->Shutdown(); }

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

  // Answers so many calls with `status` from now on.
  void Refuse(grpc::Status status, int times) {
    MutexLock lock(mutex_);
    refusal_ = std::move(status);
    refusals_left_ = times;
  }

  // Takes all but so many spans of each call.
  void RejectOfEach(std::int64_t spans) {
    MutexLock lock(mutex_);
    rejected_ = spans;
  }

  // From now on calls are not answered, until Release.
  void Hold() {
    MutexLock lock(mutex_);
    holding_ = true;
  }
  void Release() {
    MutexLock lock(mutex_);
    holding_ = false;
    changed_.notify_all();
  }

  std::vector<std::string> AwaitSpans(std::size_t count) {
    MutexLock lock(mutex_);
    while (names_.size() < count) lock.Wait(changed_);
    return names_;
  }

  void AwaitCalls(int count) {
    MutexLock lock(mutex_);
    while (calls_ < count) lock.Wait(changed_);
  }

 private:
  grpc::Status Export(grpc::ServerContext* /*call*/, const ExportTraceServiceRequest* request,
                      ExportTraceServiceResponse* response) override {
    MutexLock lock(mutex_);
    ++calls_;
    changed_.notify_all();
    while (holding_) lock.Wait(changed_);
    if (refusals_left_ > 0) {
      --refusals_left_;
      return refusal_;
    }
    response->mutable_partial_success()->set_rejected_spans(rejected_);
    for (const auto& span : request->resource_spans(0).scope_spans(0).spans()) {
      names_.push_back(span.name());
    }
    return grpc::Status::OK;
  }

  int port_ = 0;

  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool holding_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status refusal_ ABSL_GUARDED_BY(mutex_);
  int refusals_left_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t rejected_ ABSL_GUARDED_BY(mutex_) = 0;

  // Last: its threads use everything above.
  std::unique_ptr<grpc::Server> server_;
};

class OtlpExporterTest : public ::testing::Test {
 protected:
  OtlpExporter::Options Options() {
    return {.endpoint = collector_.endpoint(),
            .interval = 1ms,
            .retry_pause = 1ms,
            .on_change = [this](const absl::Status& status) { told_.push_back(status.code()); }};
  }

  Collector collector_;
  std::vector<absl::StatusCode> told_;  // By the exporter's thread, while it lives.
};

TEST_F(OtlpExporterTest, SendsSpansInOrder) {
  OtlpExporter exporter(Options());

  for (const char* name : {"a", "b", "c"}) exporter.Add({.name = name});

  EXPECT_THAT(collector_.AwaitSpans(3), ElementsAre("a", "b", "c"));
  EXPECT_EQ(exporter.dropped(), 0U);
}

TEST_F(OtlpExporterTest, SendsWhatWaitsAtTheEnd) {
  OtlpExporter::Options options = Options();
  options.interval = 1h;
  {
    OtlpExporter exporter(std::move(options));
    exporter.Add({.name = "last"});
  }

  EXPECT_THAT(collector_.AwaitSpans(1), ElementsAre("last"));
}

TEST_F(OtlpExporterTest, SendsEarlyWhereThereAreManySpans) {
  OtlpExporter::Options options = Options();
  options.interval = 1h;
  options.most_at_once = 2;
  OtlpExporter exporter(std::move(options));

  for (const char* name : {"a", "b"}) exporter.Add({.name = name});

  EXPECT_THAT(collector_.AwaitSpans(2), ElementsAre("a", "b"));
}

TEST_F(OtlpExporterTest, TriesAgainWhereTheCollectorIsAway) {
  collector_.Refuse({grpc::StatusCode::UNAVAILABLE, "away"}, 2);
  {
    OtlpExporter exporter(Options());
    exporter.Add({.name = "a"});
    EXPECT_THAT(collector_.AwaitSpans(1), ElementsAre("a"));
  }

  EXPECT_THAT(told_, ElementsAre(absl::StatusCode::kUnavailable, absl::StatusCode::kOk));
}

TEST_F(OtlpExporterTest, TriesTheSameSpansNoMoreThanSoOften) {
  collector_.Refuse({grpc::StatusCode::RESOURCE_EXHAUSTED, "too large"}, 3);
  OtlpExporter::Options options = Options();
  options.most_tries = 3;
  OtlpExporter exporter(std::move(options));

  exporter.Add({.name = "a"});
  collector_.AwaitCalls(3);
  exporter.Add({.name = "b"});

  EXPECT_THAT(collector_.AwaitSpans(1), ElementsAre("b"));
  EXPECT_EQ(exporter.dropped(), 1U);
}

TEST_F(OtlpExporterTest, LeavesOutAndCountsWhatIsNotTaken) {
  collector_.Refuse({grpc::StatusCode::INVALID_ARGUMENT, "no"}, 1);
  OtlpExporter exporter(Options());

  exporter.Add({.name = "a"});
  collector_.AwaitCalls(1);
  exporter.Add({.name = "b"});

  EXPECT_THAT(collector_.AwaitSpans(1), ElementsAre("b"));
  EXPECT_EQ(exporter.dropped(), 1U);
}

TEST_F(OtlpExporterTest, CountsWhatTheCollectorRejects) {
  collector_.RejectOfEach(1);
  OtlpExporter exporter(Options());

  exporter.Add({.name = "a"});
  collector_.AwaitSpans(1);
  exporter.Add({.name = "b"});
  collector_.AwaitSpans(2);  // By then the first answer has been read.

  EXPECT_GE(exporter.dropped(), 1U);
}

TEST_F(OtlpExporterTest, HoldsNoMoreThanItMay) {
  OtlpExporter::Options options = Options();
  options.interval = 1h;
  options.most_waiting = 2;
  OtlpExporter exporter(std::move(options));

  for (int i = 0; i < 5; ++i) exporter.Add({.name = "a"});

  EXPECT_EQ(exporter.dropped(), 3U);
}

// It would be a test that never ends.
TEST_F(OtlpExporterTest, EndsThoughTheCollectorDoesNotAnswer) {
  collector_.Hold();
  {
    OtlpExporter::Options options = Options();
    options.interval = 1h;
    options.timeout = 1h;
    options.last_patience = 1ms;
    OtlpExporter exporter(std::move(options));
    exporter.Add({.name = "a"});
  }
  collector_.Release();
}

TEST_F(OtlpExporterTest, EndsWithoutACollector) {
  OtlpExporter::Options options = Options();
  options.endpoint = "127.0.0.1:1";
  OtlpExporter exporter(std::move(options));

  exporter.Add({.name = "a"});
}

}  // namespace
}  // namespace upscaler
