#include "worker/models/pipeline/pipeline.h"

#include <algorithm>
#include <array>
#include <utility>

#include <ATen/Functions.h>

#include "worker/models/sampler/euler.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler {
namespace {

// Of how many steps the modulation is computed at once: half a megabyte each.
constexpr std::size_t kModulatedSteps = 8;

// latents [1, C, h, w] -> [1, C, 2h, 2w], each sample four times
at::Tensor Enlarge(const at::Tensor& latents) {
  return at::upsample_nearest2d(latents, {2 * latents.size(2), 2 * latents.size(3)});
}

// How many passes of the UNet a step of `row` takes.
std::int64_t PassesOf(const PipelineRow& row) {
  return static_cast<std::int64_t>(row.condition.passes.size());
}

// A row's tile in a pass.
struct TilePass {
  PipelineRow* row = nullptr;
  int tile = 0;
  at::Tensor latents;         // [1, C, h, w] of the tile, in the following too.
  at::Tensor low_resolution;  // [1, C, h / 2, w / 2]
};

// Rows that stand there several times take as many tiles.
std::vector<TilePass> NextTiles(const Checkpoint& checkpoint, std::span<PipelineRow* const> rows) {
  std::vector<TilePass> tiles;
  for (PipelineRow* row : rows) {
    const auto before = std::ranges::count(tiles, row, &TilePass::row);
    const int tile = row->tile + static_cast<int>(before);
    const TileMap small(row->plan, 1, checkpoint.vae_config.reduction());
    tiles.push_back({.row = row,
                     .tile = tile,
                     .latents = row->latents->Tile(tile),
                     .low_resolution = small.TileOf(row->low_resolution, tile)});
  }
  return tiles;
}

// The UNet's input for one tile: its latents and the small picture's, once a pass.
// -> [P, 2C, h, w]
at::Tensor UnetInput(const TilePass& tile) {
  const at::Tensor input =
      at::cat({ScaleInput(tile.latents, tile.row->sigma()), Enlarge(tile.low_resolution)}, 1);
  return input.expand({PassesOf(*tile.row), -1, -1, -1});
}

// What the UNet's normalizations do in the row's next step -> [P, M]. It depends on the noise
// level and the prompt alone. A quarter of the UNet's weights have no other use, and reading them
// is what takes time: so it is done for several steps at once.
at::Tensor ModulationOf(const Checkpoint& checkpoint, PipelineRow& row) {
  const std::size_t known =
      row.modulation.defined() ? static_cast<std::size_t>(row.modulation.size(0)) : 0;
  if (row.step >= row.modulated_step + known) {
    const std::size_t end = std::min(row.step + kModulatedSteps, row.sigmas.size() - 1);
    std::vector<float> noise_conditions;
    std::vector<at::Tensor> pooled;
    for (std::size_t step = row.step; step < end; ++step) {
      for (const EncodedPrompt& pass : row.condition.passes) {
        noise_conditions.push_back(NoiseCondition(row.sigmas[step]));
        pooled.push_back(pass.pooled);
      }
    }
    Unet unet = checkpoint.unet;  // A handle; the module is shared.
    const auto c_noise = at::tensor(noise_conditions, at::kFloat).to(checkpoint.options.device);
    row.modulation = unet->Modulation(c_noise, at::cat(pooled)).unflatten(0, {-1, PassesOf(row)});
    row.modulated_step = row.step;
  }
  return row.modulation[static_cast<std::int64_t>(row.step - row.modulated_step)];
}

// What the UNet says about all passes of `tiles`, B in number -> [B, C + 1, h, w]
at::Tensor CallUnet(const Checkpoint& checkpoint, std::span<const TilePass> tiles,
                    ConditionBatch& conditions, RecordedCalls& unet_calls) {
  std::vector<at::Tensor> inputs;
  std::vector<at::Tensor> modulations;
  std::vector<const EncodedPrompt*> passes;
  for (const TilePass& tile : tiles) {
    inputs.push_back(UnetInput(tile));
    modulations.push_back(ModulationOf(checkpoint, *tile.row));
    for (const EncodedPrompt& pass : tile.row->condition.passes) passes.push_back(&pass);
  }
  conditions.Gather(passes);
  const auto forward = [unet = checkpoint.unet](std::span<const at::Tensor> arguments) mutable {
    return unet->forward(arguments[0], arguments[1], arguments[2]);
  };
  return unet_calls.Call(
      forward, std::array{at::cat(inputs), at::cat(modulations), conditions.keys_values()});
}

// What is seen in the noise of `tile`, of which the UNet has said `output` [P, C, h, w]. A picture
// of one tile can take its whole step with it; tiles are blended before their step.
GuidedStepResult StepOf(const TilePass& tile, const at::Tensor& output) {
  const PipelineRow& row = *tile.row;
  if (row.plan.count() == 1) {
    return GuidedStep(
        tile.latents, output,
        {.sigma = row.sigma(), .next_sigma = row.next_sigma(), .guidance = row.guidance_scale});
  }
  at::Tensor denoised = Denoised(tile.latents, output, row.sigma());
  if (output.size(0) == 2) denoised = Guide(denoised, row.guidance_scale);
  return {.denoised = std::move(denoised), .next = {}};
}

// The small picture's latents are complete: what is left to begin with is the noise.
void DrawNoise(const Checkpoint& checkpoint, PipelineRow& row) {
  const at::Tensor& small = row.low_resolution;
  at::Tensor latents =
      row.noise
          .Draw({1, small.size(1), 2 * small.size(2), 2 * small.size(3)}, checkpoint.options.dtype)
          .to(checkpoint.options.device)
          .mul_(row.sigmas.front());
  row.latents.emplace(std::move(latents), TileMap(row.plan, 2, checkpoint.vae_config.reduction()),
                      row.previews);
}

// Whether each of `tensors` is finite: one answer from the device for all of them.
std::vector<bool> AreFinite(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> verdicts;
  for (const at::Tensor& one : tensors) verdicts.push_back(at::isfinite(one).all());
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
  const bool pixels = request.pixels.defined();
  const std::int64_t unit = pixels ? 1 : checkpoint_.vae_config.reduction();
  const at::Tensor& given = pixels ? request.pixels.permute({2, 0, 1}) : request.latents;
  PipelineRow row{.plan = TilePlan(static_cast<int>(given.size(-1) * unit),
                                   static_cast<int>(given.size(-2) * unit), request.tile_side,
                                   static_cast<int>(side_multiple())),
                  .noise = NoiseSource(request.seed),
                  .encoding = {},
                  .low_resolution = {},
                  .latents = {},
                  .condition = std::move(condition),
                  .guidance_scale = request.prompts.guidance_scale,
                  .previews = request.previews,
                  .sigmas = checkpoint_.schedule.Sigmas(request.steps)};
  if (pixels) {
    row.encoding.emplace(checkpoint_, request.pixels, row.plan);
    EncodeTile(row);
  } else {
    // Given latents take no number out of the noise, as in the reference.
    row.low_resolution = request.latents.to(checkpoint_.options.device, checkpoint_.options.dtype);
    DrawNoise(checkpoint_, row);
  }
  return row;
}

void Pipeline::EncodeTile(PipelineRow& row) const {
  row.encoding->EncodeTile();
  if (row.encoding->tiles_left() > 0) return;
  row.low_resolution = row.encoding->TakeSample(row.noise);
  row.encoding.reset();
  DrawNoise(checkpoint_, row);
}

std::vector<bool> Pipeline::Step(std::span<PipelineRow* const> rows, ConditionBatch& conditions,
                                 RecordedCalls& unet_calls) const {
  const std::vector<TilePass> tiles = NextTiles(checkpoint_, rows);
  const at::Tensor output = CallUnet(checkpoint_, tiles, conditions, unet_calls);
  std::vector<at::Tensor> seen;
  std::vector<at::Tensor> next;
  std::int64_t first = 0;
  for (const TilePass& tile : tiles) {
    const std::int64_t passes = PassesOf(*tile.row);
    // The last channel is a log-variance of training, of no use here.
    GuidedStepResult step = StepOf(
        tile, output.narrow(0, first, passes).narrow(1, 0, checkpoint_.vae_config.latent_channels));
    first += passes;
    seen.push_back(std::move(step.denoised));
    next.push_back(std::move(step.next));
  }
  // Asked before any row moves: the answer is where a device reports that a pass of
  // long ago has failed.
  std::vector<bool> finite = AreFinite(seen);
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    PipelineRow& row = *tiles[i].row;
    if (next[i].defined()) {
      row.latents->Replace(std::move(next[i]), seen[i]);
    } else {
      row.latents->Add(tiles[i].tile, seen[i], row.sigma(), row.next_sigma());
    }
    if (++row.tile < row.plan.count()) continue;
    row.tile = 0;
    ++row.step;
  }
  return finite;
}

at::Tensor Pipeline::Preview(const PipelineRow& row) const {
  std::call_once(preview_wanted_, [this] { preview_map_ = PreviewMap::Fit(checkpoint_); });
  return preview_map_->Apply(row.latents->look());
}

at::Tensor Pipeline::Decode(const at::Tensor& latents, int bits) const {
  Vae vae = checkpoint_.vae;
  return ToPixels(vae->Decode(latents / checkpoint_.vae_config.scaling_factor), bits);
}

BandDecoder Pipeline::DecodeBands(at::Tensor latents, const TilePlan& plan, int bits) const {
  return BandDecoder(checkpoint_, std::move(latents), plan, bits);
}

}  // namespace upscaler
