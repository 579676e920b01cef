#include "worker/models/pipeline/band_decoder.h"

#include <algorithm>
#include <utility>

#include <ATen/Functions.h>
#include <c10/util/Exception.h>

namespace upscaler {
namespace {

// That are brought from floats to bytes.
constexpr std::int64_t kPixelsAtOnce = std::int64_t{1} << 20;

}  // namespace

at::Tensor ToPixels(const at::Tensor& decoded, int bits) {
  const at::ScalarType samples = bits == 8 ? at::kByte : at::kUInt16;
  const double white = bits == 8 ? 255 : 65535;
  const std::int64_t height = decoded.size(2);
  const std::int64_t width = decoded.size(3);
  const at::Tensor pixels = at::empty({height, width, decoded.size(1)}, samples);
  // Some rows at a time: what lies between takes several times the memory of the pixels, and a
  // band of a large picture has some hundred million of them.
  const std::int64_t rows = std::max(std::int64_t{1}, kPixelsAtOnce / width);
  for (std::int64_t from = 0; from < height; from += rows) {
    const std::int64_t some = std::min(rows, height - from);
    const at::Tensor part = decoded.narrow(2, from, some);
    TORCH_CHECK(at::isfinite(part).all().item<bool>(), "the decoded picture is not finite");
    const at::Tensor unit = part.mul(0.5).add_(0.5).clamp_(0, 1);
    pixels.narrow(0, from, some)
        .copy_(unit[0].permute({1, 2, 0}).to(at::kCPU, at::kFloat).mul_(white).round_());
  }
  return pixels;
}

BandDecoder::BandDecoder(const Checkpoint& checkpoint, at::Tensor latents, const TilePlan& plan,
                         int bits)
    : checkpoint_(checkpoint),
      latents_(std::move(latents)),
      map_(plan, 2, checkpoint.vae_config.reduction()),
      pixels_(plan, 2, 1),
      bits_(bits) {}

at::Tensor BandDecoder::Next() {
  const TileAxis& down = pixels_.plan().down;
  const int row = next_;
  at::Tensor tiles = DecodeRow(row);
  // What is the business of the row above, too, it has left here.
  const std::int64_t top = pixels_.Of(down.start(row));
  const std::int64_t first = pixels_.Of(down.from(row));
  if (handed_over_.defined()) {
    tiles.narrow(2, first - top, handed_over_.size(2)).add_(handed_over_);
  }
  const bool last = row + 1 == down.count();
  const std::int64_t end = last ? pixels_.height() : pixels_.Of(down.from(row + 1));
  if (!last) {
    handed_over_ = tiles.narrow(2, end - top, pixels_.Of(down.to(row)) - end).clone();
  }
  ++next_;
  return ToPixels(tiles.narrow(2, first - top, end - first), bits_);
}

at::Tensor BandDecoder::DecodeRow(int row) {
  Vae vae = checkpoint_.vae;  // A handle; the module is shared.
  const TilePlan& plan = map_.plan();
  const double scale = checkpoint_.vae_config.scaling_factor;
  at::Tensor band;
  for (int column = 0; column < plan.across.count(); ++column) {
    const int index = row * plan.across.count() + column;
    NormPass norms = NormPass::Use(Statistics());
    const at::Tensor tile =
        vae->Decode(map_.TileOf(latents_, index) / scale, norms).to(at::kCPU, at::kFloat);
    if (!band.defined()) {
      band = at::zeros({1, tile.size(1), pixels_.tile_height(), pixels_.width()}, tile.options());
    }
    band.narrow(3, pixels_.Of(plan.across.start(column)), pixels_.tile_width())
        .add_(tile * pixels_.ColumnWeights(column, tile.options()));
  }
  return band.mul_(pixels_.RowWeights(row, band.options()));
}

const NormStatistics& BandDecoder::Statistics() {
  if (statistics_.has_value()) return *statistics_;
  const at::Tensor patches = SamplePatches(latents_, map_.tile_height(), map_.tile_width());
  NormStatistics measured;
  NormPass norms = NormPass::Measure(measured);
  Vae vae = checkpoint_.vae;
  vae->Decode(patches / checkpoint_.vae_config.scaling_factor, norms);
  return statistics_.emplace(std::move(measured));
}

}  // namespace upscaler
