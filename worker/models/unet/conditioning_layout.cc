#include "worker/models/unet/conditioning_layout.h"

#include <ATen/ops/cat.h>

namespace upscaler {

Columns ConditioningLayout::Add(const AdaGroupNorm& norm) {
  const Columns columns{.first = modulation_columns_, .count = 2 * norm->channels()};
  modulation_columns_ += columns.count;
  norms_.push_back(norm);
  return columns;
}

Columns ConditioningLayout::Add(const CrossAttention& attention) {
  const Columns columns{.first = keys_values_columns_, .count = 2 * attention->width()};
  keys_values_columns_ += columns.count;
  attentions_.push_back(attention);
  return columns;
}

at::Tensor ConditioningLayout::Modulation(const at::Tensor& embedding) const {
  std::vector<at::Tensor> parts;
  parts.reserve(norms_.size());
  for (AdaGroupNorm norm : norms_) parts.push_back(norm->Modulation(embedding));
  return at::cat(parts, /*dim=*/1);
}

at::Tensor ConditioningLayout::KeysValues(const at::Tensor& context) const {
  std::vector<at::Tensor> parts;
  parts.reserve(attentions_.size());
  for (CrossAttention attention : attentions_) parts.push_back(attention->KeysValues(context));
  return at::cat(parts, /*dim=*/2);
}

}  // namespace upscaler
