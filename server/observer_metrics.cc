#include "server/observer_metrics.h"

namespace upscaler {
namespace {

Metrics::Stage LabelOf(Stage stage) {
  switch (stage) {
    case Stage::kImageDecode:
      return Metrics::Stage::kDecode;
    case Stage::kText:
      return Metrics::Stage::kText;
    case Stage::kVaeEncode:
      return Metrics::Stage::kVaeEncode;
    case Stage::kDenoise:
      return Metrics::Stage::kDenoise;
    case Stage::kVaeDecode:
      return Metrics::Stage::kVaeDecode;
    case Stage::kImageEncode:
      break;
  }
  return Metrics::Stage::kEncode;
}

Metrics::CancelStage LabelOf(CancelStage stage) {
  switch (stage) {
    case CancelStage::kQueued:
      return Metrics::CancelStage::kQueued;
    case CancelStage::kRunning:
      return Metrics::CancelStage::kRunning;
    case CancelStage::kDelivering:
      break;
  }
  return Metrics::CancelStage::kDelivering;
}

}  // namespace

void ObserverMetrics::OnQueueWait(TimePoint::duration wait) { metrics_.ObserveQueueWait(wait); }

void ObserverMetrics::OnStage(Stage stage, TimePoint::duration took) {
  metrics_.ObserveStage(LabelOf(stage), took);
}

void ObserverMetrics::OnStep(std::size_t rows, TimePoint::duration took) {
  metrics_.ObserveStep(rows, took);
}

void ObserverMetrics::OnTextCache(int hits, int misses) { metrics_.CountTextCache(hits, misses); }

void ObserverMetrics::OnCancelled(CancelStage stage) { metrics_.CountCancelled(LabelOf(stage)); }

void ObserverMetrics::OnWastedSteps(int steps) { metrics_.CountWastedSteps(steps); }

void ObserverMetrics::OnOutOfMemory(std::string_view device) { metrics_.CountOutOfMemory(device); }

void ObserverMetrics::OnReplica(std::string_view device, bool up) {
  metrics_.CountReplica(device, up);
}

}  // namespace upscaler
