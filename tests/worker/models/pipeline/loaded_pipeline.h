// A checkpoint of this repository, and what an engine has beside it: a cache of
// prompts, and the conditions of a batch.

#pragma once

#include <string>
#include <vector>

#include <ATen/Parallel.h>

#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/condition.h"
#include "worker/models/pipeline/condition_batch.h"
#include "worker/models/pipeline/pipeline.h"
#include "worker/models/pipeline/text_cache.h"

namespace upscaler::test {

inline constexpr const char* kDemo = "checkpoints/demo";
inline constexpr const char* kNarrow = "tests/data/golden/narrow";

// The caller holds a c10::InferenceMode.
class LoadedPipeline {
 public:
  // `checkpoint` is a folder, from the root of the repository. What cannot be loaded
  // throws, and so fails the test.
  explicit LoadedPipeline(const std::string& checkpoint)
      : pipeline_(LoadCheckpoint(UPSCALER_SOURCE_DIR "/" + checkpoint, {}).value()) {
    // Several threads wait for one another by spinning, which takes for ever
    // where other programs keep the cores busy, as other tests do.
    at::set_num_threads(1);
  }

  PipelineRow Begin(const PipelineRequest& request) {
    return pipeline_.Begin(request, EncodePrompts(pipeline_.checkpoint(), request.prompts, cache_));
  }

  // Takes the next step of the rows, as Pipeline does.
  std::vector<bool> Step(const std::vector<PipelineRow*>& rows) {
    return pipeline_.Step(rows, conditions_, unet_calls_);
  }

  const Pipeline& pipeline() const { return pipeline_; }
  const Checkpoint& checkpoint() const { return pipeline_.checkpoint(); }

 private:
  const Pipeline pipeline_;
  TextCache cache_{std::size_t{16} << 20};
  ConditionBatch conditions_;
  RecordedCalls unet_calls_;
};

}  // namespace upscaler::test
