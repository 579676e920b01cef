#include "worker/models/pipeline/preview.h"

#include <cstdint>

#include <ATen/Functions.h>

#include "worker/models/sampler/noise_source.h"

namespace upscaler {
namespace {

// The sides of the picture of colours, in latents, and how many random colours it has each
// way. Colours have to stay the same over a few latents, since each sees its neighbours.
constexpr std::int64_t kLatentsSide = 24;
constexpr std::int64_t kColours = 8;

// Keeps the solution small where channels of the latents say the same.
constexpr double kRidge = 1e-3;

// Smooth random colours, the same every time -> [1, 3, side, side] in [0, 1]
at::Tensor ColourPicture(std::int64_t side) {
  const at::Tensor colours =
      NoiseSource(/*seed=*/0).Draw({1, 3, kColours, kColours}, at::kFloat).sigmoid();
  return at::upsample_bilinear2d(colours, {side, side}, /*align_corners=*/true);
}

// maps [1, C, H, W] -> [H * W, C]
at::Tensor ToSamples(const at::Tensor& maps) {
  return maps[0].flatten(1).transpose(0, 1).to(at::kCPU, at::kFloat);
}

// samples [N, C] -> [N, C + 1], with a column of ones
at::Tensor WithOffset(const at::Tensor& samples) {
  return at::cat({samples, at::ones({samples.size(0), 1}, samples.options())}, 1);
}

}  // namespace

PreviewMap PreviewMap::Fit(const Checkpoint& checkpoint) {
  const std::int64_t reduction = checkpoint.vae_config.reduction();
  const at::Tensor picture = ColourPicture(kLatentsSide * reduction);
  Vae vae = checkpoint.vae;  // A handle; the module is shared.
  const at::Tensor moments =
      vae->Encode((2.0F * picture - 1.0F).to(checkpoint.options.device, checkpoint.options.dtype));
  const at::Tensor latents = moments.chunk(2, /*dim=*/1)[0] * checkpoint.vae_config.scaling_factor;
  const at::Tensor inputs = WithOffset(ToSamples(latents)).to(at::kDouble);
  const at::Tensor colours =
      ToSamples(at::avg_pool2d(picture, {reduction, reduction})).to(at::kDouble);
  const at::Tensor squares = inputs.transpose(0, 1).matmul(inputs);
  const at::Tensor ridge = kRidge * at::eye(squares.size(0), squares.options());
  return PreviewMap(
      at::linalg_solve(squares + ridge, inputs.transpose(0, 1).matmul(colours)).to(at::kFloat));
}

at::Tensor PreviewMap::Apply(const at::Tensor& latents) const {
  const at::Tensor colours = WithOffset(ToSamples(latents)).matmul(weights_);
  return (colours.clamp(0, 1) * 255.0F)
      .round()
      .to(at::kByte)
      .reshape({latents.size(2), latents.size(3), 3})
      .contiguous();
}

}  // namespace upscaler
