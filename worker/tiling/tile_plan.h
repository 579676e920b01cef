// How a picture that is too large for the device is cut into tiles.
//
// Tiles are all of one size, so that they share the model's passes, and overlap. Each
// position of the picture is the business of one tile or, where a tile hands over to the
// next, of both, with weights that add up to one. What a tile has beyond that is there for
// the networks to look at: near its own edge a tile's result is worse, for want of what
// comes after it.

#pragma once

#include <cstddef>
#include <vector>

namespace upscaler {

// One axis of a plan; positions are in pixels of the picture that is upscaled. Immutable.
class TileAxis {
 public:
  // Tiles of `tile` over `length`: as few as can be that overlap by a quarter, spread evenly.
  // A single one of the whole length where that is not longer than `tile`. Everything lies on
  // multiples of `multiple`, which divides `length` and `tile`.
  TileAxis(int length, int tile, int multiple);

  int length() const { return length_; }
  int tile() const { return tile_; }
  int count() const { return static_cast<int>(starts_.size()); }

  // The first position of a tile, and the one after its last.
  int start(int index) const { return starts_[static_cast<std::size_t>(index)]; }
  int end(int index) const { return start(index) + tile_; }

  // The part of tile `index` in the result at `position`, from 0 to 1, which may lie between
  // two pixels. The parts of all tiles add up to 1 everywhere.
  double Weight(int index, double position) const;

  // From the first to after the last pixel where tile `index` has a part.
  int from(int index) const { return index == 0 ? 0 : HandOver(index - 1); }
  int to(int index) const { return index + 1 == count() ? length_ : HandOver(index) + ramp_; }

 private:
  // Where tile `index` begins to hand over to the next one.
  int HandOver(int index) const;

  int length_;
  int tile_;
  int multiple_;
  int ramp_;  // How long a hand-over is.
  std::vector<int> starts_;
};

// Tiles are numbered row by row from the upper left one.
struct TilePlan {
  // `tile_side` 0 means one tile; see TileAxis for `multiple`.
  TilePlan(int width, int height, int tile_side, int multiple);

  int count() const { return across.count() * down.count(); }
  int column(int index) const { return index % across.count(); }
  int row(int index) const { return index / across.count(); }

  TileAxis across;
  TileAxis down;
};

}  // namespace upscaler
