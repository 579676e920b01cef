#include "gateway/program/gateway_metrics.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace upscaler {
namespace {

using ::testing::HasSubstr;

TEST(GatewayMetricsTest, TellsTheStateAsItIsAtEachScrape) {
  GatewayMetrics::State state;
  const GatewayMetrics metrics("1.2.3", [&state] { return state; });
  const auto text = [&metrics] {
    return prometheus::TextSerializer().Serialize(metrics.Collect());
  };

  EXPECT_THAT(text(), HasSubstr("upscaler_gateway_ready 0\n"));
  state = {.ready = true, .open_requests = 3, .upload_bytes = 70};

  EXPECT_THAT(text(), HasSubstr("upscaler_gateway_ready 1\n"));
  EXPECT_THAT(text(), HasSubstr("upscaler_gateway_open_requests 3\n"));
  EXPECT_THAT(text(), HasSubstr("upscaler_gateway_upload_bytes 70\n"));
  EXPECT_THAT(text(), HasSubstr("upscaler_gateway_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(GatewayMetricsTest, CountsRefusalsByCode) {
  GatewayMetrics metrics("", [] { return GatewayMetrics::State(); });

  metrics.CountRefused(absl::StatusCode::kInvalidArgument);
  metrics.CountRefused(absl::StatusCode::kInvalidArgument);
  metrics.CountRefused(absl::StatusCode::kUnavailable);

  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  EXPECT_THAT(text, HasSubstr("upscaler_gateway_refused_total{code=\"INVALID_ARGUMENT\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("upscaler_gateway_refused_total{code=\"UNAVAILABLE\"} 1\n"));
}

}  // namespace
}  // namespace upscaler
