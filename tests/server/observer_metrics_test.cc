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

TEST(ObserverMetricsTest, CountsEachReportUnderItsOwnName) {
  Metrics metrics({}, {.capacity = 1, .depth = [] { return std::size_t{0}; }});
  ObserverMetrics observer(metrics);

  observer.OnQueueWait(10ms);
  observer.OnStep(3, 20ms);
  for (const Stage stage : {Stage::kImageDecode, Stage::kModelEncode, Stage::kDenoise,
                            Stage::kModelDecode, Stage::kImageEncode}) {
    observer.OnStage(stage, 30ms);
  }

  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  EXPECT_THAT(text, HasSubstr("upscaler_queue_wait_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_step_batch_size_sum 3\n"));
  for (const char* stage : {"decode", "model_encode", "denoise", "model_decode", "encode"}) {
    EXPECT_THAT(text, HasSubstr("upscaler_stage_duration_seconds_count{stage=\"" +
                                std::string(stage) + "\"} 1\n"));
  }
}

}  // namespace
}  // namespace upscaler
