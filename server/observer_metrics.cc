#include "server/observer_metrics.h"

namespace upscaler {
namespace {

Metrics::Stage LabelOf(Stage stage) {
  switch (stage) {
    case Stage::kImageDecode:
      return Metrics::Stage::kDecode;
    case Stage::kModelEncode:
      return Metrics::Stage::kModelEncode;
    case Stage::kDenoise:
      return Metrics::Stage::kDenoise;
    case Stage::kModelDecode:
      return Metrics::Stage::kModelDecode;
    case Stage::kImageEncode:
      break;
  }
  return Metrics::Stage::kEncode;
}

}  // namespace

void ObserverMetrics::OnQueueWait(TimePoint::duration wait) { metrics_.ObserveQueueWait(wait); }

void ObserverMetrics::OnStage(Stage stage, TimePoint::duration took) {
  metrics_.ObserveStage(LabelOf(stage), took);
}

void ObserverMetrics::OnStep(std::size_t batch_rows, TimePoint::duration took) {
  metrics_.ObserveStep(batch_rows, took);
}

}  // namespace upscaler
