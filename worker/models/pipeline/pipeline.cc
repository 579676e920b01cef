#include "worker/models/pipeline/pipeline.h"

#include <algorithm>
#include <utility>

#include <ATen/Functions.h>
#include <c10/util/Exception.h>

#include "worker/models/sampler/euler.h"
#include "worker/models/sampler/noise_source.h"

namespace upscaler {
namespace {

// pixels [H, W, 3] of uint8 -> [1, 3, H, W] in [-1, 1]
at::Tensor NormalizePixels(const at::Tensor& pixels, const LoadOptions& options) {
  const at::Tensor unit = pixels.to(at::kFloat) / 255.0F;
  return (2.0F * unit.permute({2, 0, 1}).unsqueeze(0).contiguous() - 1.0F)
      .to(options.device, options.dtype);
}

// A sample of the latents that the VAE sees in a picture, not their mean: so the
// reference has it. pixels [1, 3, H, W] -> [1, C, h, w], scaled for the UNet.
at::Tensor EncodePicture(const Checkpoint& checkpoint, const at::Tensor& pixels,
                         NoiseSource& noise) {
  constexpr double kLeastLogVariance = -30.0;
  constexpr double kMostLogVariance = 20.0;
  Vae vae = checkpoint.vae;  // A handle; the module is shared.
  const std::vector<at::Tensor> moments = vae->Encode(pixels).chunk(2, /*dim=*/1);
  const at::Tensor& mean = moments[0];
  const at::Tensor deviation = (0.5 * moments[1].clamp(kLeastLogVariance, kMostLogVariance)).exp();
  const at::Tensor draw = noise.Draw(mean.sizes(), checkpoint.options.dtype).to(mean.device());
  return (mean + deviation * draw) * checkpoint.vae_config.scaling_factor;
}

// What the request brings, as latents -> [1, C, h, w]. Given latents take no number out of
// `noise`, as in the reference.
at::Tensor SmallLatents(const Checkpoint& checkpoint, const PipelineRequest& request,
                        NoiseSource& noise) {
  const LoadOptions& options = checkpoint.options;
  if (request.latents.defined()) return request.latents.to(options.device, options.dtype);
  return EncodePicture(checkpoint, NormalizePixels(request.pixels, options), noise);
}

// latents [1, C, h, w] -> [1, C, 2h, 2w], each sample four times
at::Tensor Enlarge(const at::Tensor& latents) {
  return at::upsample_nearest2d(latents, {2 * latents.size(2), 2 * latents.size(3)});
}

// How many passes of the UNet a step of `row` takes.
std::int64_t PassesOf(const PipelineRow& row) {
  return static_cast<std::int64_t>(row.condition.passes.size());
}

// The UNet's input for one row: its latents and the small picture's, once a pass.
// -> [P, 2C, 2h, 2w]
at::Tensor UnetInput(const PipelineRow& row) {
  const at::Tensor input = at::cat({ScaleInput(row.latents, row.sigma()), row.low_resolution}, 1);
  return input.expand({PassesOf(row), -1, -1, -1});
}

// What the UNet says about all passes of `rows`, B in number -> [B, C + 1, 2h, 2w]
at::Tensor CallUnet(const Checkpoint& checkpoint, std::span<PipelineRow* const> rows,
                    ConditionBatch& conditions) {
  std::vector<at::Tensor> inputs;
  std::vector<const EncodedPrompt*> passes;
  std::vector<float> noise_conditions;
  for (const PipelineRow* row : rows) {
    inputs.push_back(UnetInput(*row));
    const float noise_condition = NoiseCondition(row->sigma());
    for (const EncodedPrompt& pass : row->condition.passes) {
      passes.push_back(&pass);
      noise_conditions.push_back(noise_condition);
    }
  }
  conditions.Gather(passes);
  Unet unet = checkpoint.unet;  // A handle; the module is shared.
  const at::Tensor modulation = unet->Modulation(
      at::tensor(noise_conditions, at::kFloat).to(checkpoint.options.device), conditions.pooled());
  return unet->forward(at::cat(inputs), modulation, conditions.keys_values());
}

// Whether each of `latents` is finite: one answer from the device for all of them.
std::vector<bool> AreFinite(const std::vector<at::Tensor>& latents) {
  std::vector<at::Tensor> verdicts;
  for (const at::Tensor& one : latents) verdicts.push_back(at::isfinite(one).all());
  const at::Tensor answer = at::stack(verdicts).to(at::kCPU);
  const bool* first = answer.const_data_ptr<bool>();
  return std::vector<bool>(first, first + answer.numel());
}

}  // namespace

std::int64_t Pipeline::side_multiple() const {
  // The UNet works at twice the latent's sides.
  const std::int64_t latent_multiple =
      std::max<std::int64_t>(1, checkpoint_.unet_config.size_multiple() / 2);
  return latent_multiple * checkpoint_.vae_config.reduction();
}

std::int64_t Pipeline::minimum_side() const {
  return checkpoint_.unet_config.size_multiple() * checkpoint_.vae_config.reduction();
}

PipelineRow Pipeline::Begin(const PipelineRequest& request, Condition condition) const {
  PipelineRow row{.latents = {},
                  .low_resolution = {},
                  .condition = std::move(condition),
                  .guidance_scale = request.prompts.guidance_scale,
                  .previews = request.previews,
                  .sigmas = checkpoint_.schedule.Sigmas(request.steps)};
  NoiseSource noise(request.seed);
  row.low_resolution = Enlarge(SmallLatents(checkpoint_, request, noise));
  row.latents = noise.Draw(row.low_resolution.sizes(), checkpoint_.options.dtype)
                    .to(checkpoint_.options.device) *
                row.sigmas.front();
  return row;
}

std::vector<bool> Pipeline::Step(std::span<PipelineRow* const> rows,
                                 ConditionBatch& conditions) const {
  const at::Tensor output = CallUnet(checkpoint_, rows, conditions);
  std::vector<at::Tensor> next;
  std::vector<at::Tensor> seen;
  std::int64_t first = 0;
  for (const PipelineRow* row : rows) {
    const std::int64_t passes = PassesOf(*row);
    // The last channel is a log-variance of training, of no use here.
    const at::Tensor own =
        output.narrow(0, first, passes).narrow(1, 0, checkpoint_.vae_config.latent_channels);
    first += passes;
    at::Tensor denoised = Denoised(row->latents, own, row->sigma());
    if (passes == 2) denoised = Guide(denoised, row->guidance_scale);
    seen.push_back(denoised);
    next.push_back(EulerStep(row->latents, denoised, row->sigma(), row->next_sigma()));
  }
  // Asked before any row moves: the answer is where a device reports that a pass of
  // long ago has failed.
  std::vector<bool> finite = AreFinite(next);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i]->latents = next[i];
    if (rows[i]->previews) rows[i]->denoised = seen[i];
    ++rows[i]->step;
  }
  return finite;
}

at::Tensor Pipeline::Preview(const PipelineRow& row) const {
  std::call_once(preview_wanted_, [this] { preview_map_ = PreviewMap::Fit(checkpoint_); });
  return preview_map_->Apply(row.denoised);
}

at::Tensor Pipeline::Decode(const at::Tensor& latents) const {
  Vae vae = checkpoint_.vae;
  const at::Tensor decoded =
      vae->Decode(latents / checkpoint_.vae_config.scaling_factor);  // [1, 3, 2H, 2W]
  // A number that is none would become black without a word.
  TORCH_CHECK(at::isfinite(decoded).all().item<bool>(), "the decoded picture is not finite");
  const at::Tensor unit = (decoded * 0.5 + 0.5).clamp(0, 1);
  const at::Tensor pixels = unit[0].permute({1, 2, 0}).to(at::kCPU, at::kFloat);
  return (pixels * 255.0F).round().to(at::kByte).contiguous();  // Rounds halves to even.
}

}  // namespace upscaler
