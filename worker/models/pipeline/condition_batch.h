// What a batch's rows attend to, one after another as the UNet takes it.
//
// They stay the same from step to step until a row joins or leaves, so the one copy
// that puts them together is made then and not at every step.

#pragma once

#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/models/pipeline/text_cache.h"

namespace upscaler {

// Not thread-safe: it belongs to whoever steps the batch. In shapes, B is the passes
// of all rows.
class ConditionBatch {
 public:
  // Makes it that of these passes, at least one, in this order. Copies nothing if
  // they are those of the last time. Throws what LibTorch throws; it is empty then.
  void Gather(std::span<const EncodedPrompt* const> passes);

  const at::Tensor& keys_values() const { return keys_values_; }  // [B, N, K]

 private:
  // What the batch was made of: each pass's keys and values, which stand for the
  // whole pass. They are held, so no other tensor can take their place in memory.
  std::vector<at::Tensor> parts_;
  at::Tensor keys_values_;
};

}  // namespace upscaler
