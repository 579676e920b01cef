// The text encoder: what a prompt means, as the UNet wants to hear it.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "worker/models/clip/clip_text_config.h"
#include "worker/models/nn/layers.h"

namespace upscaler {

struct TextEmbedding {
  at::Tensor tokens;  // [B, N, D], of the last layer, not normalized.
  at::Tensor pooled;  // [B, D], normalized, at the end of the text.
};

// Parameters: embeddings.token_embedding, embeddings.position_embedding,
// encoder.layers.<i>, final_layer_norm. Older checkpoints put `text_model.` before
// each name.
class ClipTextModelImpl : public torch::nn::Module {
 public:
  explicit ClipTextModelImpl(const ClipTextConfig& config);

  // ids [B, N] of int64, N being at most the config's `positions` and each id
  // below its `vocabulary`. `end_of_text` is the id at whose first occurrence a
  // row is pooled.
  //
  // The UNet was trained on the tokens before the final normalization and on the
  // pooled vector after it; other models of the family take both after it.
  TextEmbedding forward(const at::Tensor& ids, std::int64_t end_of_text);

 private:
  Embedding token_embedding_{nullptr};
  Embedding position_embedding_{nullptr};
  torch::nn::ModuleList layers_;
  torch::nn::LayerNorm final_layer_norm_{nullptr};
};
TORCH_MODULE(ClipTextModel);

}  // namespace upscaler
