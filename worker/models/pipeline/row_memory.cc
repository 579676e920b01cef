#include "worker/models/pipeline/row_memory.h"

#include <algorithm>
#include <cstddef>

#include <c10/core/ScalarType.h>

#include "worker/kernels/winograd.h"
#include "worker/models/unet/unet_plan.h"

namespace upscaler {
namespace {

// Between tensors the allocator loses room: as much again as they take and a little
// more, where it is worst. Those of 32 MiB or above lose none, since malloc maps each
// by itself, so the loss has an end.
constexpr double kLostShare = 1.15;
constexpr std::int64_t kMostLost = std::int64_t{192} << 20;

// Of a convolution of 3x3.
std::int64_t WeightsOf(std::int64_t in, std::int64_t out) {
  constexpr std::int64_t kKernel = 9;
  return kKernel * in * out;
}

// Walks through a network and keeps the most numbers that live at once. `held` is what
// lives all the while for others' sake.
class PeakCounter {
 public:
  // Of so many passes at once.
  PeakCounter(const c10::Device& device, std::int64_t passes)
      : is_cpu_(device.is_cpu()), passes_(passes), argument_copies_(is_cpu_ ? 1 : 2) {}

  void Note(std::int64_t numbers) { most_ = std::max(most_, numbers); }

  // Two convolutions, each after a normalization, at `positions` positions. The input
  // stays for the sum at the end.
  void Resnet(std::int64_t held, std::int64_t positions, const UnetLayerPlan& layer) {
    Convolution(positions, layer.in, layer.middle);
    Convolution(positions, layer.middle, layer.out);
    const std::int64_t first = argument_copies_ * layer.in + layer.middle;
    const std::int64_t second = argument_copies_ * layer.middle + std::max(layer.middle, layer.out);
    const std::int64_t shortcut = 2 * layer.out;
    Note(held + positions * (layer.in + std::max({first, second, shortcut})));
  }

  // Attention of `width` channels to the prompt, or among the positions: what comes in,
  // normalized, its questions, the answers as heads and as tokens, and what the
  // positions have to say. The matrix of scores is never there as a whole: ATen's
  // attention goes through it in blocks.
  void Attention(std::int64_t held, std::int64_t positions, std::int64_t width, bool self) {
    constexpr std::int64_t kToPrompt = 5;
    constexpr std::int64_t kAmongPositions = 8;
    Note(held + positions * width * (self ? kAmongPositions : kToPrompt));
  }

  std::int64_t most() const { return most_; }

  // What a convolution takes while it lasts, of all passes.
  std::int64_t workspace() const { return workspace_; }

 private:
  // It takes a copy of its weights in another layout, or, by Winograd's way on a CPU, what lies
  // between. Which way it goes depends on the sides; so the larger of both.
  void Convolution(std::int64_t positions, std::int64_t in, std::int64_t out) {
    workspace_ = std::max(workspace_, WeightsOf(in, out));
    if (is_cpu_) {
      workspace_ = std::max(workspace_, WinogradWorkspace(in, out, passes_ * positions));
    }
  }

  const bool is_cpu_;
  const std::int64_t passes_;
  // How often a normalization or a convolution has its argument: a GPU copies it into
  // the layout that it computes in.
  const std::int64_t argument_copies_;
  std::int64_t most_ = 0;
  std::int64_t workspace_ = 0;
};

void WalkBlock(const UnetBlockPlan& block, std::int64_t held, std::int64_t positions,
               PeakCounter& peak) {
  const std::int64_t input = block.layers.front().in * positions;
  for (std::size_t i = 0; i < block.layers.size(); ++i) {
    const UnetLayerPlan& layer = block.layers[i];
    // The caller holds the block's input to the end; the first layer's is the same.
    peak.Resnet(i == 0 ? held : held + input, positions, layer);
    if (block.attention != BlockAttention::kNone) {
      peak.Attention(held + input, positions, layer.out,
                     block.attention == BlockAttention::kSelfAndCross);
    }
  }
}

// Of one pass over a map of `positions` positions.
PeakCounter WalkUnet(const UnetConfig& config, std::int64_t positions, PeakCounter peak) {
  const UnetPlan plan = PlanUnet(config);
  std::int64_t skips = 0;
  for (std::size_t level = 0; level < plan.down.size(); ++level) {
    WalkBlock(plan.down[level], skips, positions, peak);
    if (level + 1 == plan.down.size()) break;
    skips += config.level_channels[level] * positions;
    positions /= 4;
  }
  for (std::size_t i = 0; i < plan.up.size(); ++i) {
    if (i > 0) {
      positions *= 4;
      const std::int64_t width = config.level_channels[plan.up.size() - 1 - i];
      // What comes from below, doubled, and then beside what was kept.
      peak.Note(skips + (width + 2 * width) * positions);
      skips -= width * positions;
    }
    WalkBlock(plan.up[i], skips, positions, peak);
  }
  return peak;
}

// Of a decoding from a latent of `positions` positions. The encoder needs less: it has
// the same levels with a layer fewer, each at a quarter of the positions.
PeakCounter WalkDecoder(const VaeConfig& config, std::int64_t positions, PeakCounter peak) {
  const auto& channels = config.level_channels;
  const std::int64_t top = channels.back();
  peak.Resnet(0, positions, {.in = top, .middle = top, .out = top});
  if (config.mid_attention) peak.Attention(0, positions, top, /*self=*/true);
  std::int64_t in = top;
  for (std::size_t level = channels.size(); level-- > 0;) {
    const std::int64_t out = channels[level];
    const std::int64_t input = in * positions;
    peak.Resnet(0, positions, {.in = in, .middle = out, .out = out});
    // The caller holds the level's input to the end.
    peak.Resnet(input, positions, {.in = out, .middle = out, .out = out});
    if (level > 0) {
      // Doubled, and then convolved.
      peak.Note(input + out * positions + 2 * (4 * out * positions));
      positions *= 4;
    }
    in = out;
  }
  return peak;
}

// All columns of the keys and values that the UNet has of a token.
std::int64_t KeysValuesColumns(const UnetConfig& config) {
  std::int64_t columns = 0;
  const UnetPlan plan = PlanUnet(config);
  for (const auto* blocks : {&plan.down, &plan.up}) {
    for (const UnetBlockPlan& block : *blocks) {
      if (block.attention == BlockAttention::kNone) continue;
      for (const UnetLayerPlan& layer : block.layers) columns += 2 * layer.out;
    }
  }
  return columns;
}

}  // namespace

std::int64_t PeakRowBytes(const Checkpoint& checkpoint, const RowShape& shape) {
  const std::int64_t reduction = checkpoint.vae_config.reduction();
  // The latent of the doubled picture, at whose size the steps work.
  const std::int64_t positions = (2 * shape.width / reduction) * (2 * shape.height / reduction);
  const std::int64_t latents = checkpoint.vae_config.latent_channels * positions;
  // Its own, and in the batch's copy.
  const std::int64_t conditions = 2 * shape.passes * checkpoint.tokenizer.max_length() *
                                  KeysValuesColumns(checkpoint.unet_config);

  const c10::Device& device = checkpoint.options.device;
  const PeakCounter unet =
      WalkUnet(checkpoint.unet_config, positions, PeakCounter(device, shape.passes));
  const PeakCounter decoder =
      WalkDecoder(checkpoint.vae_config, positions, PeakCounter(device, /*passes=*/1));
  // Beside the latents: the small picture's, the UNet's input of both, and that once a
  // pass. Of a decoding: scaled, and convolved.
  const std::int64_t step =
      4 * latents + conditions + shape.passes * (2 * latents + unet.most()) + unet.workspace();
  const std::int64_t decoding = 3 * latents + decoder.most() + decoder.workspace();
  const auto tensors = std::max(step, decoding) *
                       static_cast<std::int64_t>(c10::elementSize(checkpoint.options.dtype));
  const auto lost = static_cast<std::int64_t>(kLostShare * static_cast<double>(tensors));
  return tensors + std::min(lost, kMostLost);
}

}  // namespace upscaler
