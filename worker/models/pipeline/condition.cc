#include "worker/models/pipeline/condition.h"

#include <optional>
#include <utility>

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

EncodedPrompt EncodePrompt(const Checkpoint& checkpoint, const std::string& prompt) {
  const TokenizedPrompt tokenized = checkpoint.tokenizer.Tokenize(prompt);
  const at::Tensor ids =
      at::tensor(tokenized.ids, at::kLong).unsqueeze(0).to(checkpoint.options.device);
  ClipTextModel text_encoder = checkpoint.text_encoder;  // A handle; the module is shared.
  const TextEmbedding embedding = text_encoder->forward(ids, checkpoint.tokenizer.end_of_text());

  Unet unet = checkpoint.unet;
  const at::TensorOptions like = embedding.pooled.options();
  return {.keys_values = unet->KeysValues(embedding.tokens),
          .pooled = at::cat({at::ones({1, kNoiseLevelFeatures / 2}, like),
                             at::zeros({1, kNoiseLevelFeatures / 2}, like), embedding.pooled},
                            /*dim=*/1),
          .cut_text = tokenized.cut_text};
}

// What `cache` or else the networks make of one prompt, noted in `condition`. `name` is
// the field's that brought it.
EncodedPrompt ReadPrompt(const Checkpoint& checkpoint, const char* name, const std::string& prompt,
                         TextCache& cache, Condition& condition) {
  std::optional<EncodedPrompt> encoded = cache.Find(prompt);
  ++(encoded ? condition.cache_hits : condition.cache_misses);
  if (!encoded) {
    encoded = EncodePrompt(checkpoint, prompt);
    cache.Keep(prompt, *encoded);
  }
  if (!encoded->cut_text.empty()) {
    condition.warnings.push_back(
        fmt::format("{} is longer than {} tokens; this part was not read: \"{}\"", name,
                    checkpoint.tokenizer.max_length() - 2, encoded->cut_text));
  }
  return *std::move(encoded);
}

}  // namespace

Condition EncodePrompts(const Checkpoint& checkpoint, const Prompts& prompts, TextCache& cache) {
  Condition condition;
  EncodedPrompt prompt = ReadPrompt(
      checkpoint, "prompt", prompts.guidance_scale == 0.0 ? "" : prompts.prompt, cache, condition);
  if (prompts.guided()) {
    condition.passes.push_back(
        ReadPrompt(checkpoint, "negative_prompt", prompts.negative, cache, condition));
  }
  condition.passes.push_back(std::move(prompt));
  return condition;
}

}  // namespace upscaler
