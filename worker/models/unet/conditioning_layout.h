// Where each layer finds its part of what it is told besides the picture.
//
// The layers of the UNet listen to the noise level and to the prompt, but what
// they hear is the same for every picture: the scales and shifts of all adaptive
// normalizations follow from the noise level and the pooled prompt, the keys and
// values of all cross-attentions from the prompt alone. So they are computed apart
// from the forward pass, for all layers together, and kept as one long row each:
// a row can be reused in every step, and rows of different requests make a batch
// by at::cat.

#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/models/nn/ada_group_norm.h"
#include "worker/models/unet/cross_attention.h"

namespace upscaler {

// One layer's part of the rows, along the last axis.
struct Columns {
  std::int64_t first = 0;
  std::int64_t count = 0;

  at::Tensor Of(const at::Tensor& rows) const { return rows.narrow(-1, first, count); }
};

// Filled while the network is built. Not thread-safe until then, immutable after.
class ConditioningLayout {
 public:
  // Gives a layer its columns: of the modulation, or of the keys and values.
  Columns Add(const AdaGroupNorm& norm);
  Columns Add(const CrossAttention& attention);

  // embedding [B, E] -> [B, modulation_columns()]
  at::Tensor Modulation(const at::Tensor& embedding) const;

  // context [B, N, D] -> [B, N, keys_values_columns()]
  at::Tensor KeysValues(const at::Tensor& context) const;

  std::int64_t modulation_columns() const { return modulation_columns_; }
  std::int64_t keys_values_columns() const { return keys_values_columns_; }

 private:
  // In the order of their columns. Holders share the module with the network.
  std::vector<AdaGroupNorm> norms_;
  std::vector<CrossAttention> attentions_;
  std::int64_t modulation_columns_ = 0;
  std::int64_t keys_values_columns_ = 0;
};

}  // namespace upscaler
