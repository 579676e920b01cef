#include "worker/models/nn/attention.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/scaled_dot_product_attention.h>

namespace upscaler {
namespace {

// [B, N, D] -> [B, h, N, D / h]
at::Tensor SplitHeads(const at::Tensor& tokens, std::int64_t heads) {
  return tokens.unflatten(/*dim=*/2, {heads, tokens.size(2) / heads}).transpose(1, 2);
}

}  // namespace

at::Tensor MultiHeadAttention(const at::Tensor& queries, const at::Tensor& keys,
                              const at::Tensor& values, std::int64_t heads, AttentionMask mask) {
  const auto attended = at::scaled_dot_product_attention(
      SplitHeads(queries, heads), SplitHeads(keys, heads), SplitHeads(values, heads),
      /*attn_mask=*/{}, /*dropout_p=*/0.0, /*is_causal=*/mask == AttentionMask::kCausal);
  return attended.transpose(1, 2).flatten(/*start_dim=*/2);
}

at::Tensor TokensOf(const at::Tensor& features) {
  return features.permute({0, 2, 3, 1}).flatten(/*start_dim=*/1, /*end_dim=*/2);
}

at::Tensor FeaturesOf(const at::Tensor& tokens, const at::Tensor& like) {
  return tokens.transpose(1, 2).unflatten(/*dim=*/2, {like.size(2), like.size(3)});
}

AttentionImpl::AttentionImpl(const AttentionOptions& options)
    : options_(options),
      to_q_(register_module("to_q",
                            Linear(LinearOptions{.in = options.width, .out = options.width}))),
      to_k_(register_module(
          "to_k", Linear(LinearOptions{.in = options.context_width, .out = options.width}))),
      to_v_(register_module(
          "to_v", Linear(LinearOptions{.in = options.context_width, .out = options.width}))),
      to_out_(register_module("to_out", torch::nn::ModuleList(Linear(LinearOptions{
                                            .in = options.width, .out = options.width})))) {}

at::Tensor AttentionImpl::KeysValues(const at::Tensor& context) {
  return at::cat({to_k_(context), to_v_(context)}, /*dim=*/2);
}

at::Tensor AttentionImpl::forward(const at::Tensor& tokens, const at::Tensor& keys_values) {
  const auto halves = keys_values.chunk(2, /*dim=*/2);  // [B, M, D] each
  const auto attended = MultiHeadAttention(to_q_(tokens), halves[0], halves[1], options_.heads);
  return to_out_[0]->as<Linear>()->forward(attended);
}

}  // namespace upscaler
