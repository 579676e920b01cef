// Spans that were recorded, to be looked at.

#pragma once

#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "telemetry/span.h"

namespace upscaler::test {

// Thread-safe.
class KeptSpans final : public SpanSink {
 public:
  void Add(Span span) override {
    MutexLock lock(mutex_);
    spans_.push_back(std::move(span));
  }

  std::vector<Span> spans() const {
    MutexLock lock(mutex_);
    return spans_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Span> spans_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler::test
