#include "worker/models/pipeline/condition_batch.h"

#include <algorithm>
#include <utility>

#include <ATen/ops/cat.h>

namespace upscaler {

void ConditionBatch::Gather(std::span<const EncodedPrompt* const> passes) {
  const bool unchanged = std::equal(passes.begin(), passes.end(), parts_.begin(), parts_.end(),
                                    [](const EncodedPrompt* pass, const at::Tensor& part) {
                                      return pass->keys_values.is_same(part);
                                    });
  if (unchanged) return;

  *this = ConditionBatch();  // The old copy makes room for the new one.
  std::vector<at::Tensor> parts;
  for (const EncodedPrompt* pass : passes) {
    parts.push_back(pass->keys_values);
  }
  // A single pass needs no copy.
  keys_values_ = parts.size() == 1 ? parts.front() : at::cat(parts);
  parts_ = std::move(parts);
}

}  // namespace upscaler
