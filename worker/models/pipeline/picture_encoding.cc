#include "worker/models/pipeline/picture_encoding.h"

#include <utility>

#include <ATen/Functions.h>

namespace upscaler {
namespace {

// Of the logarithm of a latent's variance, as the reference clamps it.
constexpr double kLeastLogVariance = -30.0;
constexpr double kMostLogVariance = 20.0;

float WhiteOf(at::ScalarType samples) { return samples == at::kByte ? 255.0F : 65535.0F; }

}  // namespace

PictureEncoding::PictureEncoding(const Checkpoint& checkpoint, at::Tensor pixels,
                                 const TilePlan& plan)
    : checkpoint_(checkpoint),
      pixels_(std::move(pixels)),
      map_(plan, 1, checkpoint.vae_config.reduction()),
      pixel_map_(plan, 1, 1) {}

void PictureEncoding::EncodeTile() {
  Vae vae = checkpoint_.vae;  // A handle; the module is shared.
  if (map_.plan().count() == 1) {
    moments_ = vae->Encode(Normalized(pixels_));
    ++done_;
    return;
  }
  NormPass norms = NormPass::Use(Statistics());
  // [C, H, W] for a moment, as tiles are cut from the last two axes.
  const at::Tensor tile = pixel_map_.TileOf(pixels_.permute({2, 0, 1}), done_).permute({1, 2, 0});
  const at::Tensor moments = vae->Encode(Normalized(tile), norms).to(at::kFloat);
  if (!moments_.defined()) {
    moments_ = at::zeros({1, moments.size(1), map_.height(), map_.width()}, moments.options());
  }
  const TilePlan& plan = map_.plan();
  map_.TileOf(moments_, done_)
      .add_(moments * map_.ColumnWeights(plan.column(done_), moments.options()) *
            map_.RowWeights(plan.row(done_), moments.options()));
  ++done_;
}

at::Tensor PictureEncoding::TakeSample(NoiseSource& noise) {
  pixels_ = at::Tensor();
  at::Tensor moments = std::exchange(moments_, at::Tensor()).to(checkpoint_.options.dtype);
  const std::vector<at::Tensor> halves = moments.chunk(2, /*dim=*/1);
  at::Tensor mean = halves[0];
  // In place: of a large picture each of these tensors is a good part of the memory.
  at::Tensor deviation = halves[1].clamp_(kLeastLogVariance, kMostLogVariance).mul_(0.5).exp_();
  deviation.mul_(noise.Draw(mean.sizes(), checkpoint_.options.dtype).to(mean.device()));
  return mean.add_(deviation).mul(checkpoint_.vae_config.scaling_factor);
}

at::Tensor PictureEncoding::Normalized(const at::Tensor& pixels) const {
  const at::Tensor unit = pixels.to(at::kFloat) / WhiteOf(pixels.scalar_type());
  return (2.0F * unit.permute({2, 0, 1}).unsqueeze(0).contiguous() - 1.0F)
      .to(checkpoint_.options.device, checkpoint_.options.dtype);
}

const NormStatistics& PictureEncoding::Statistics() {
  if (statistics_.has_value()) return *statistics_;
  const at::Tensor planes = pixels_.permute({2, 0, 1}).unsqueeze(0);  // [1, 3, H, W]
  const at::Tensor patches =
      SamplePatches(planes, pixel_map_.tile_height(), pixel_map_.tile_width());
  NormStatistics measured;
  NormPass norms = NormPass::Measure(measured);
  const at::Tensor unit = patches.to(at::kFloat) / WhiteOf(pixels_.scalar_type());
  Vae vae = checkpoint_.vae;
  vae->Encode((2.0F * unit - 1.0F).to(checkpoint_.options.device, checkpoint_.options.dtype),
              norms);
  return statistics_.emplace(std::move(measured));
}

}  // namespace upscaler
