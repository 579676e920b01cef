#include "telemetry/service_load.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// What Prometheus would read.
std::string TextOf(const ServiceLoad& load) {
  return prometheus::TextSerializer().Serialize(MetricsOf(load));
}

TEST(ServiceLoadTest, ShowsWhatWaitsAndWhatIsHeld) {
  const std::string text = TextOf({.waiting_rows = 3,
                                   .oldest_wait = 2500ms,
                                   .admitted_rows = 5,
                                   .admitted_bytes = 1'000,
                                   .upload_bytes = 7});

  EXPECT_THAT(text, HasSubstr("upscaler_queue_depth 3\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_queue_oldest_age_seconds 2.5\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_rows_admitted 5\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_queue_bytes 1000\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_upload_bytes 7\n"));
}

TEST(ServiceLoadTest, ShowsTheJobsThatAreKept) {
  const std::string text = TextOf({.kept_jobs = 7, .kept_job_bytes = 2'000});

  EXPECT_THAT(text, HasSubstr("upscaler_jobs_kept 7\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_jobs_bytes 2000\n"));
}

TEST(ServiceLoadTest, AccountsForEveryRequest) {
  const std::string text = TextOf({.admitted = 10, .done = 4, .failed = 3, .cancelled = 2});

  EXPECT_THAT(text, HasSubstr("# TYPE upscaler_admitted_total counter\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_admitted_total 10\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_finished_total{outcome=\"done\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_finished_total{outcome=\"failed\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_finished_total{outcome=\"cancelled\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE upscaler_in_flight gauge\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_in_flight 1\n"));
}

}  // namespace
}  // namespace upscaler
