#include "worker/models/unet/unet_plan.h"

#include <cstddef>

namespace upscaler {
namespace {

BlockAttention AttentionAt(std::size_t level, std::size_t levels) {
  if (level == 0) return BlockAttention::kNone;
  return level + 1 == levels ? BlockAttention::kSelfAndCross : BlockAttention::kCross;
}

// `layers` layers, of which the first takes `in` channels and the last gives `out`.
std::vector<UnetLayerPlan> PlanLayers(std::int64_t layers, std::int64_t in, std::int64_t width,
                                      std::int64_t out) {
  std::vector<UnetLayerPlan> plan(static_cast<std::size_t>(layers),
                                  {.in = width, .middle = width, .out = width});
  plan.front().in = in;
  plan.back().out = out;
  return plan;
}

}  // namespace

UnetPlan PlanUnet(const UnetConfig& config) {
  const auto& channels = config.level_channels;
  const std::size_t levels = channels.size();
  UnetPlan plan;

  for (std::size_t level = 0; level < levels; ++level) {
    const std::int64_t width = channels[level];
    const std::int64_t in = channels[level == 0 ? 0 : level - 1];
    plan.down.push_back({.layers = PlanLayers(config.layers_per_level, in, width, width),
                         .attention = AttentionAt(level, levels)});
  }

  for (std::size_t level = levels; level-- > 0;) {
    const std::int64_t width = channels[level];
    // The coarsest block follows the down side directly; the others find the
    // features that were kept on the way down behind their own.
    const std::int64_t in = level + 1 == levels ? width : 2 * width;
    const std::int64_t out = channels[level == 0 ? 0 : level - 1];
    plan.up.push_back({.layers = PlanLayers(config.layers_per_level, in, width, out),
                       .attention = AttentionAt(level, levels)});
  }
  return plan;
}

}  // namespace upscaler
