// Attention, as all three networks use it.

#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "worker/models/nn/layers.h"

namespace upscaler {

enum class AttentionMask {
  kNone,
  kCausal,  // A token attends to itself and the tokens before it.
};

// queries [B, N, D], keys and values [B, M, D] -> [B, N, D]. Splits D into `heads`
// heads, which attend by themselves with the scale 1 / sqrt(D / heads).
at::Tensor MultiHeadAttention(const at::Tensor& queries, const at::Tensor& keys,
                              const at::Tensor& values, std::int64_t heads,
                              AttentionMask mask = AttentionMask::kNone);

// features [B, C, H, W] -> tokens [B, H * W, C], row by row, and back to the size
// of `like`.
at::Tensor TokensOf(const at::Tensor& features);
at::Tensor FeaturesOf(const at::Tensor& tokens, const at::Tensor& like);

struct AttentionOptions {
  std::int64_t width = 0;          // Of the tokens that ask.
  std::int64_t context_width = 0;  // Of the tokens that are asked.
  std::int64_t heads = 1;          // Divides `width`.
};

// The tokens' questions to a context. What the context has to say, its keys and
// values, is computed apart, since it may be the same for many calls.
//
// Parameters, by their names in the checkpoint, each a weight and a bias:
//   to_q [D, D], to_k [D, Dc], to_v [D, Dc], to_out.0 [D, D]
class AttentionImpl : public torch::nn::Module {
 public:
  explicit AttentionImpl(const AttentionOptions& options);

  // context [B, M, Dc] -> [B, M, 2 * D]: the keys and then the values.
  at::Tensor KeysValues(const at::Tensor& context);

  // tokens [B, N, D], keys_values [B, M, 2 * D] -> [B, N, D]
  at::Tensor forward(const at::Tensor& tokens, const at::Tensor& keys_values);

  std::int64_t width() const { return options_.width; }

 private:
  const AttentionOptions options_;
  Linear to_q_{nullptr};
  Linear to_k_{nullptr};
  Linear to_v_{nullptr};
  torch::nn::ModuleList to_out_;  // The reference's second element is a dropout.
};
TORCH_MODULE(Attention);

}  // namespace upscaler
