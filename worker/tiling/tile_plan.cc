#include "worker/tiling/tile_plan.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace upscaler {
namespace {

// Of a tile's side: how much of it the next one has, too, at least; and how much of that
// is the hand-over. What is left on either side of it is only looked at.
constexpr int kOverlapsInTile = 4;
constexpr int kRampsInOverlap = 2;

int RoundDown(int length, int multiple) { return length / multiple * multiple; }

// How many tiles it takes.
int CountOf(int length, int tile, int overlap) {
  if (length <= tile) return 1;
  const int stride = tile - overlap;
  return 1 + (length - tile + stride - 1) / stride;
}

}  // namespace

TileAxis::TileAxis(int length, int tile, int multiple)
    : length_(length), tile_(std::min(length, tile)), multiple_(multiple), ramp_(0) {
  assert(length % multiple == 0 && tile % multiple == 0);
  const int overlap = std::max(multiple, RoundDown(tile_ / kOverlapsInTile, multiple));
  ramp_ = std::max(multiple, RoundDown(overlap / kRampsInOverlap, multiple));
  const int count = CountOf(length, tile_, overlap);
  for (int i = 0; i < count; ++i) {
    // In 64 bits: there are pictures of a million pixels a side, and ten thousands of tiles.
    const std::int64_t spare = (length - tile_) / multiple;
    const std::int64_t spread = count == 1 ? 0 : spare * i / (count - 1);
    starts_.push_back(static_cast<int>(spread * multiple));
  }
}

double TileAxis::Weight(int index, double position) const {
  // Of the hand-over that begins at `begin`, how much is over; smooth at both ends.
  const auto handed_over = [&](int begin) {
    const double share = std::clamp((position - begin) / ramp_, 0.0, 1.0);
    return 0.5 - 0.5 * std::cos(std::numbers::pi * share);
  };
  const double begun = index == 0 ? 1.0 : handed_over(HandOver(index - 1));
  const double ended = index + 1 == count() ? 0.0 : handed_over(HandOver(index));
  return begun - ended;
}

int TileAxis::HandOver(int index) const {
  // In the middle of what both have.
  const int spare = end(index) - start(index + 1) - ramp_;
  return start(index + 1) + RoundDown(spare / 2, multiple_);
}

TilePlan::TilePlan(int width, int height, int tile_side, int multiple)
    : across(width, tile_side == 0 ? width : tile_side, multiple),
      down(height, tile_side == 0 ? height : tile_side, multiple) {}

}  // namespace upscaler
