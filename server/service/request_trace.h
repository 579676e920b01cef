// What the worker tells of one request, as spans within the request's own.

#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "common/mutex.h"
#include "telemetry/span.h"
#include "telemetry/tracer.h"
#include "worker/upscale_task.h"

namespace upscaler {

// Thread-safe. It may outlive the request's span, as the work of a job does.
class RequestTrace final : public WorkTrace {
 public:
  // Steps that a picture's span of steps has links to at most; more are only counted.
  static constexpr std::size_t kMostLinks = 256;

  // `tracer` must outlive it. `request` is sampled.
  RequestTrace(const Tracer& tracer, SpanContext request)
      : tracer_(tracer), request_(std::move(request)) {}

  void OnPart(int image, WorkPart part, TimePoint start, TimePoint end) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A step's span is the first of a trace of its own, since it is no request's more than
  // another's. Its name here is "<trace id>-<span id>".
  std::string NameStep(const SharedStep& step) override;
  void OnStep(int image, const std::string& step) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Steps {
    std::vector<SpanContext> links;
    std::uint64_t left_out = 0;
  };

  // Those of the picture so far, which begin anew.
  Steps TakeSteps(int image) ABSL_LOCKS_EXCLUDED(mutex_);

  const Tracer& tracer_;
  const SpanContext request_;

  Mutex mutex_;
  std::map<int, Steps> steps_ ABSL_GUARDED_BY(mutex_);  // By picture.
};

}  // namespace upscaler
