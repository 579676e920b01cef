#include "tools/parity/stages.h"

#include <array>
#include <string>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "worker/models/sampler/euler.h"

namespace upscaler {
namespace {

// In levels of 255: a value between two of them may be rounded either way.
constexpr double kImageTolerance = 1;

// Computes the stages and keeps what the comparisons gave. A stage whose tensor the
// golden has left out is passed over.
class Comparer {
 public:
  Comparer(const Pipeline& pipeline, const Golden& golden)
      : pipeline_(pipeline), checkpoint_(pipeline.checkpoint()), golden_(golden) {}

  // `prompt` is the golden's text number `index`.
  void CompareText(int index, const std::string& prompt) {
    const TokenizedPrompt tokenized = checkpoint_.tokenizer.Tokenize(prompt);
    const at::Tensor ids = at::tensor(tokenized.ids, at::kLong).unsqueeze(0);
    ClipTextModel text_encoder = checkpoint_.text_encoder;
    const TextEmbedding embedding = text_encoder->forward(ids, checkpoint_.tokenizer.end_of_text());
    const std::string prefix = fmt::format("text.{}.", index);
    CompareNumbers(prefix + "input_ids", ids, /*allowed=*/0);
    Compare(prefix + "hidden_states_last", embedding.tokens);
    Compare(prefix + "pooler_output", embedding.pooled);
  }

  void ComparePicture() {
    const at::Tensor unit = golden_.request.pixels.permute({2, 0, 1}).unsqueeze(0) / 255.0F;
    const at::Tensor pixels = 2.0F * unit - 1.0F;  // [1, 3, H, W] in [-1, 1]
    Vae vae = checkpoint_.vae;
    Compare("vae.pixels", pixels);
    Compare("vae.moments", vae->Encode(pixels));
  }

  void CompareUpscale() {
    TextCache no_cache(0);
    PipelineRow row = pipeline_.Begin(
        golden_.request, EncodePrompts(checkpoint_, golden_.request.prompts, no_cache));
    ConditionBatch conditions;
    RecordedCalls unet_calls;
    CompareSigmas(row);
    CompareFirstCall(row, conditions);
    for (std::int64_t step = 0; step < golden_.request.steps; ++step) {
      const std::array<PipelineRow*, 1> rows = {&row};
      pipeline_.Step(rows, conditions, unet_calls);
      Compare(fmt::format("step.{}.latents", step), row.latents->latents());
    }
    const at::Tensor latents = row.latents->latents() / checkpoint_.vae_config.scaling_factor;
    Vae vae = checkpoint_.vae;
    Compare("vae.decode_input", latents);
    Compare("vae.decoded", vae->Decode(latents));
    CompareNumbers("image", pipeline_.Decode(row.latents->latents()), kImageTolerance);
  }

  std::vector<Comparison> Take() && { return std::move(comparisons_); }

 private:
  // Null where the golden has left the tensor out.
  const at::Tensor* Find(const std::string& name) const {
    const auto found = golden_.tensors.find(name);
    return found == golden_.tensors.end() ? nullptr : &found->second;
  }

  void Compare(const std::string& name, const at::Tensor& found) {
    const at::Tensor* reference = Find(name);
    if (reference != nullptr) comparisons_.push_back(CompareFloats(name, found, *reference));
  }

  void CompareNumbers(const std::string& name, const at::Tensor& found, double allowed) {
    const at::Tensor* reference = Find(name);
    if (reference == nullptr) return;
    comparisons_.push_back(CompareWithin(name, found, *reference, allowed));
  }

  void CompareSigmas(const PipelineRow& row) {
    // The reference's list ends in a 0 that is never reached.
    const at::Tensor sigmas = at::cat({at::tensor(row.sigmas), at::zeros({1})});
    Compare("scheduler.sigmas", sigmas);
  }

  // The UNet as Pipeline::Step calls it for the first step.
  void CompareFirstCall(const PipelineRow& row, ConditionBatch& conditions) {
    std::vector<const EncodedPrompt*> passes_of_row;
    std::vector<at::Tensor> pooled_of_row;
    for (const EncodedPrompt& pass : row.condition.passes) {
      passes_of_row.push_back(&pass);
      pooled_of_row.push_back(pass.pooled);
    }
    conditions.Gather(passes_of_row);
    const at::Tensor pooled = at::cat(pooled_of_row);
    const std::int64_t passes = pooled.size(0);
    const at::Tensor& latents = row.latents->latents();
    const at::Tensor sample =
        at::cat({ScaleInput(latents, row.sigma()),
                 at::upsample_nearest2d(row.low_resolution, {latents.size(2), latents.size(3)})},
                /*dim=*/1)
            .expand({passes, -1, -1, -1});
    const at::Tensor noise_condition = at::full({passes}, NoiseCondition(row.sigma()));
    Unet unet = checkpoint_.unet;
    const at::Tensor modulation = unet->Modulation(noise_condition, pooled);
    Compare("unet.sample", sample);
    Compare("unet.timestep", noise_condition.narrow(0, 0, 1));
    Compare("unet.timestep_cond", pooled);
    Compare("unet.output", unet->forward(sample, modulation, conditions.keys_values()));
  }

  const Pipeline& pipeline_;
  const Checkpoint& checkpoint_;
  const Golden& golden_;
  std::vector<Comparison> comparisons_;
};

}  // namespace

std::vector<Comparison> CompareStages(const Pipeline& pipeline, const Golden& golden) {
  const Prompts& prompts = golden.request.prompts;
  Comparer comparer(pipeline, golden);
  comparer.CompareText(0, prompts.guidance_scale == 0 ? "" : prompts.prompt);
  if (prompts.guided()) comparer.CompareText(1, prompts.negative);
  comparer.ComparePicture();
  comparer.CompareUpscale();
  return std::move(comparer).Take();
}

}  // namespace upscaler
