#include "worker/models/clip/clip_text_model.h"

#include <memory>

#include <ATen/ops/arange.h>

#include "worker/models/clip/clip_text_layer.h"

namespace upscaler {

ClipTextModelImpl::ClipTextModelImpl(const ClipTextConfig& config)
    : token_embedding_(config.vocabulary, config.width),
      position_embedding_(config.positions, config.width) {
  const auto embeddings = register_module("embeddings", std::make_shared<torch::nn::Module>());
  embeddings->register_module("token_embedding", token_embedding_);
  embeddings->register_module("position_embedding", position_embedding_);

  const auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  encoder->register_module("layers", layers_);
  for (std::int64_t i = 0; i < config.layers; ++i) layers_->push_back(ClipTextLayer(config));

  final_layer_norm_ = register_module(
      "final_layer_norm",
      torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.width}).eps(config.eps)));
}

TextEmbedding ClipTextModelImpl::forward(const at::Tensor& ids, std::int64_t end_of_text) {
  const auto positions = at::arange(ids.size(1), ids.options());
  at::Tensor tokens = token_embedding_(ids) + position_embedding_(positions);  // [B, N, D]
  for (const auto& layer : *layers_) tokens = layer->as<ClipTextLayer>()->forward(tokens);

  // argmax answers the first of equal maxima, and so the first end of text.
  const auto ends = ids.eq(end_of_text).to(at::kInt).argmax(/*dim=*/1);  // [B]
  const auto rows = at::arange(ids.size(0), ids.options());              // [B]
  return {.tokens = tokens, .pooled = final_layer_norm_(tokens.index({rows, ends}))};
}

}  // namespace upscaler
