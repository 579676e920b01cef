// How far a row has come on its way through its steps.
//
// Each step of a row takes a pass of the UNet for each tile that its picture is done in; a
// row done as a whole is a row of one tile. docs/adr/0017 says why.

#pragma once

#include <cassert>

namespace upscaler {

struct RowCourse {
  int steps_done = 0;
  int tiles = 1;       // Passes that each step takes. Known once the row is taken in.
  int tiles_done = 0;  // Of the step that is being taken: below `tiles`.

  // Passes that the step being taken still takes.
  int tiles_left() const { return tiles - tiles_done; }

  // The row has taken so many passes. Requires no more than are left of the step.
  void Advance(int passes) {
    assert(passes <= tiles_left());
    tiles_done += passes;
    if (tiles_done < tiles) return;
    tiles_done = 0;
    ++steps_done;
  }
};

// What is told of that.
struct RowAdvance {
  int steps_done = 0;
  bool encoding = false;  // The row is being taken in.
  // Of its encoding while that goes on, otherwise of the step that is being taken: from 0
  // to below 1.
  double share = 0;
};

}  // namespace upscaler
