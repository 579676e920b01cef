#include "server/observer_metrics.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ObserverMetricsTest : public ::testing::Test {
 protected:
  // What Prometheus would read.
  std::string Text() const { return prometheus::TextSerializer().Serialize(metrics_.Collect()); }

  Metrics metrics_{
      {.devices = {"cpu"}}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
  ObserverMetrics observer_{metrics_};
};

TEST_F(ObserverMetricsTest, CountsEachReportUnderItsOwnName) {
  observer_.OnQueueWait(10ms);
  observer_.OnStep(3, 20ms);
  observer_.OnTextCache(4, 5);
  observer_.OnWastedSteps(6);
  observer_.OnOutOfMemory("cpu");
  observer_.OnReplica("cpu", true);

  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("upscaler_queue_wait_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_step_batch_size_sum 3\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_text_cache_hits_total 4\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_text_cache_misses_total 5\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_wasted_steps_total 6\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_device_oom_total{device=\"cpu\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_replica_up{device=\"cpu\"} 1\n"));
}

TEST_F(ObserverMetricsTest, GivesEachStageItsOwnLabel) {
  const struct {
    Stage stage;
    const char* label;
  } stages[] = {{Stage::kImageDecode, "decode"},   {Stage::kText, "text"},
                {Stage::kVaeEncode, "vae_encode"}, {Stage::kDenoise, "denoise"},
                {Stage::kVaeDecode, "vae_decode"}, {Stage::kImageEncode, "encode"}};
  for (const auto& [stage, label] : stages) {
    observer_.OnStage(stage, 30ms);

    EXPECT_THAT(Text(), HasSubstr("upscaler_stage_duration_seconds_count{stage=\"" +
                                  std::string(label) + "\"} 1\n"));
  }
}

TEST_F(ObserverMetricsTest, GivesEachPlaceOfACancelledRowItsOwnLabel) {
  const struct {
    CancelStage stage;
    const char* label;
  } stages[] = {{CancelStage::kQueued, "queued"},
                {CancelStage::kRunning, "running"},
                {CancelStage::kDelivering, "delivering"}};
  for (const auto& [stage, label] : stages) {
    observer_.OnCancelled(stage);

    EXPECT_THAT(Text(),
                HasSubstr("upscaler_cancelled_total{stage=\"" + std::string(label) + "\"} 1\n"));
  }
}

}  // namespace
}  // namespace upscaler
