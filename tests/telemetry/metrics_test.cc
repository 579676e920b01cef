#include "telemetry/metrics.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  // What Prometheus would read.
  std::string Text() const { return prometheus::TextSerializer().Serialize(metrics_.Collect()); }

  std::atomic<std::size_t> waiting_rows_ = 0;
  Metrics metrics_{{.version = "1.2.3",
                    .libtorch = "2.11",
                    .model = "demo",
                    .devices = {"cuda:0", "cuda:1", "cuda:1"},
                    .queue_capacity = 64},
                   [this] { return ServiceLoad{.waiting_rows = waiting_rows_.load()}; },
                   [] { return std::chrono::system_clock::time_point(1'700'000'000s); }};
};

TEST_F(MetricsTest, CountsRequestsByApiAndCode) {
  metrics_.CountRequest(Metrics::Api::kGrpc, absl::StatusCode::kOk, 200ms);
  metrics_.CountRequest(Metrics::Api::kRest, absl::StatusCode::kResourceExhausted, 1ms);
  metrics_.CountRequest(Metrics::Api::kRest, absl::StatusCode::kResourceExhausted, 1ms);

  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("upscaler_requests_total{api=\"grpc\",code=\"OK\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("upscaler_requests_total{api=\"rest\",code=\"RESOURCE_EXHAUSTED\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_request_duration_seconds_count{api=\"rest\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("upscaler_request_duration_seconds_bucket{api=\"grpc\",le=\"0.25\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("upscaler_request_duration_seconds_bucket{api=\"grpc\",le=\"0.1\"} 0\n"));
}

TEST_F(MetricsTest, ShowsEveryValueOfALabelFromTheStart) {
  const std::string text = Text();

  for (const char* reason : {"full", "deadline", "memory", "draining", "invalid", "quota"}) {
    EXPECT_THAT(text,
                HasSubstr("upscaler_rejected_total{reason=\"" + std::string(reason) + "\"} 0\n"));
  }
  for (const char* stage : {"decode", "text", "vae_encode", "denoise", "vae_decode", "encode"}) {
    EXPECT_THAT(text, HasSubstr("upscaler_stage_duration_seconds_count{stage=\"" +
                                std::string(stage) + "\"} 0\n"));
  }
  for (const char* stage : {"queued", "running", "delivering"}) {
    EXPECT_THAT(text,
                HasSubstr("upscaler_cancelled_total{stage=\"" + std::string(stage) + "\"} 0\n"));
  }
  for (const char* device : {"cuda:0", "cuda:1"}) {
    EXPECT_THAT(text, HasSubstr("upscaler_replica_up{device=\"" + std::string(device) + "\"} 0\n"));
    EXPECT_THAT(text,
                HasSubstr("upscaler_device_oom_total{device=\"" + std::string(device) + "\"} 0\n"));
  }
}

TEST_F(MetricsTest, GivesEachReasonAndStageItsOwnSeries) {
  metrics_.CountRejection(Metrics::Rejection::kFull);
  metrics_.CountRejection(Metrics::Rejection::kQuota);
  metrics_.CountRejection(Metrics::Rejection::kInvalid);
  metrics_.CountRejection(Metrics::Rejection::kInvalid);
  metrics_.ObserveStage(Metrics::Stage::kDecode, 1s);
  metrics_.ObserveStage(Metrics::Stage::kEncode, 2s);

  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("upscaler_rejected_total{reason=\"full\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_rejected_total{reason=\"quota\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_rejected_total{reason=\"invalid\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_stage_duration_seconds_sum{stage=\"decode\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_stage_duration_seconds_sum{stage=\"encode\"} 2\n"));
}

TEST_F(MetricsTest, AsksForTheLoadAtEveryScrape) {
  waiting_rows_ = 3;
  EXPECT_THAT(Text(), HasSubstr("upscaler_queue_depth 3\n"));

  waiting_rows_ = 0;
  EXPECT_THAT(Text(), HasSubstr("upscaler_queue_depth 0\n"));
  EXPECT_THAT(Text(), HasSubstr("upscaler_queue_capacity 64\n"));
}

TEST_F(MetricsTest, ObservesWaitsAndStepsInSecondsAndRows) {
  metrics_.ObserveQueueWait(1500ms);
  metrics_.ObserveStep(4, 250ms);

  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("upscaler_queue_wait_seconds_sum 1.5\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_step_duration_seconds_sum 0.25\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_step_batch_size_bucket{le=\"3\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_step_batch_size_bucket{le=\"4\"} 1\n"));
}

TEST_F(MetricsTest, NotesWhenTheLastStepEnded) {
  EXPECT_THAT(Text(), HasSubstr("upscaler_last_step_timestamp_seconds 0\n"));

  metrics_.ObserveStep(1, 1ms);

  EXPECT_THAT(Text(), HasSubstr("upscaler_last_step_timestamp_seconds 1700000000\n"));
}

TEST_F(MetricsTest, CountsWhatWasSparedAndWhatWasWasted) {
  metrics_.CountTextCache(/*hits=*/3, /*misses=*/1);
  metrics_.CountCancelled(Metrics::CancelStage::kQueued);
  metrics_.CountCancelled(Metrics::CancelStage::kDelivering);
  metrics_.CountWastedSteps(7);
  metrics_.CountOutOfMemory("cuda:1");

  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("upscaler_text_cache_hits_total 3\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_text_cache_misses_total 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_cancelled_total{stage=\"queued\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_cancelled_total{stage=\"running\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_cancelled_total{stage=\"delivering\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_wasted_steps_total 7\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_device_oom_total{device=\"cuda:0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_device_oom_total{device=\"cuda:1\"} 1\n"));
}

TEST_F(MetricsTest, CountsTheReplicasOfADeviceUpAndDown) {
  metrics_.CountReplica("cuda:0", true);
  metrics_.CountReplica("cuda:1", true);
  metrics_.CountReplica("cuda:1", true);
  metrics_.CountReplica("cuda:0", false);

  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("upscaler_replica_up{device=\"cuda:0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_replica_up{device=\"cuda:1\"} 2\n"));
}

TEST_F(MetricsTest, SaysWhatIsRunning) {
  EXPECT_THAT(
      Text(),
      HasSubstr("upscaler_build_info{libtorch=\"2.11\",model=\"demo\",version=\"1.2.3\"} 1\n"));
}

TEST_F(MetricsTest, ExplainsEveryMetric) {
  metrics_.CountRequest(Metrics::Api::kGrpc, absl::StatusCode::kOk, 1ms);

  for (const auto& family : metrics_.Collect()) {
    EXPECT_THAT(family.help, Not(IsEmpty())) << family.name;
  }
}

TEST_F(MetricsTest, LosesNoCountWhenThreadsRace) {
  constexpr int kThreads = 4;
  constexpr int kRequestsEach = 500;

  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this] {
        for (int i = 0; i < kRequestsEach; ++i) {
          metrics_.CountRequest(Metrics::Api::kGrpc, absl::StatusCode::kOk, 1ms);
        }
      });
    }
    for (int i = 0; i < 10; ++i) Text();  // A scrape in between disturbs nothing.
  }

  EXPECT_THAT(Text(), HasSubstr("upscaler_requests_total{api=\"grpc\",code=\"OK\"} 2000\n"));
}

}  // namespace
}  // namespace upscaler
