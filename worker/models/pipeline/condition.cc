#include "worker/models/pipeline/condition.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

// One prompt's share of a Condition: a pass of its own. `name` is the field's.
Condition EncodePrompt(const Checkpoint& checkpoint, const char* name, const std::string& prompt) {
  const TokenizedPrompt tokenized = checkpoint.tokenizer.Tokenize(prompt);
  Condition condition;
  if (!tokenized.cut_text.empty()) {
    condition.warnings.push_back(
        fmt::format("{} is longer than {} tokens; this part was not read: \"{}\"", name,
                    checkpoint.tokenizer.max_length() - 2, tokenized.cut_text));
  }
  const at::Tensor ids =
      at::tensor(tokenized.ids, at::kLong).unsqueeze(0).to(checkpoint.options.device);
  ClipTextModel text_encoder = checkpoint.text_encoder;  // A handle; the module is shared.
  const TextEmbedding embedding = text_encoder->forward(ids, checkpoint.tokenizer.end_of_text());

  Unet unet = checkpoint.unet;
  condition.keys_values = unet->KeysValues(embedding.tokens);
  const at::TensorOptions like = embedding.pooled.options();
  condition.pooled = at::cat({at::ones({1, kNoiseLevelFeatures / 2}, like),
                              at::zeros({1, kNoiseLevelFeatures / 2}, like), embedding.pooled},
                             /*dim=*/1);
  return condition;
}

}  // namespace

Condition EncodePrompts(const Checkpoint& checkpoint, const Prompts& prompts) {
  Condition condition =
      EncodePrompt(checkpoint, "prompt", prompts.guidance_scale == 0.0 ? "" : prompts.prompt);
  if (!prompts.guided()) return condition;

  Condition negative = EncodePrompt(checkpoint, "negative_prompt", prompts.negative);
  condition.keys_values = at::cat({negative.keys_values, condition.keys_values});
  condition.pooled = at::cat({negative.pooled, condition.pooled});
  condition.warnings.insert(condition.warnings.end(), negative.warnings.begin(),
                            negative.warnings.end());
  return condition;
}

}  // namespace upscaler
