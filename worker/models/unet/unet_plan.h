// Which blocks a UNet has, and how wide each layer is.
//
// The reference derives this on the fly from lists that it walks in both
// directions, with exceptions for the first and the last block. Here it is worked
// out once, as a table of numbers that one can print, and compare.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "worker/models/unet/unet_config.h"

namespace upscaler {

// Group normalization takes as many groups as there are whole runs of this many
// channels.
inline constexpr std::int64_t kChannelsPerGroup = 32;

inline std::int64_t GroupsOf(std::int64_t channels) {
  return std::max<std::int64_t>(1, channels / kChannelsPerGroup);
}

enum class BlockAttention { kNone, kCross, kSelfAndCross };

// The channels that go into a layer's two convolutions and come out of the second.
struct UnetLayerPlan {
  std::int64_t in = 0;
  std::int64_t middle = 0;
  std::int64_t out = 0;

  bool operator==(const UnetLayerPlan&) const = default;
};

struct UnetBlockPlan {
  std::vector<UnetLayerPlan> layers;
  BlockAttention attention = BlockAttention::kNone;
};

// The blocks in the order in which features pass them. Between two down blocks the
// features are kept and halved; between two up blocks they are doubled, and what
// was kept at that size is put behind them.
struct UnetPlan {
  std::vector<UnetBlockPlan> down;
  std::vector<UnetBlockPlan> up;
};

// `config` must be one that ParseUnetConfig accepts.
UnetPlan PlanUnet(const UnetConfig& config);

}  // namespace upscaler
