// From any size to a size that the model takes.
//
// The model wants sides that are multiples of a number and not too small. A
// picture of another size is continued to the right and downwards by its own
// reflection, and what was added is left out of the answer (EncodePicture), so
// that it is exactly twice the input and nothing is stretched.

#pragma once

#include "worker/imaging/image.h"

namespace upscaler {

// What the model asks of a picture's sides, in pixels.
struct SideRule {
  int multiple = 1;
  int minimum = 1;
};

// The smallest side of at least `side` that keeps the rule.
int PaddedSide(int side, const SideRule& rule);

// The index inside [0, size) that `index` >= 0 shows when a line of `size` samples is
// mirrored at its ends without end, the edge repeated: 0 1 2 2 1 0 0 1 2 ...
int ReflectedIndex(int index, int size);

// `image`, continued to sides that keep the rule. The border is reflected with
// the edge repeated (… 2 1 0 | 0 1 2 …), again and again where the picture is
// smaller than what is to be added, so that even 1×1 works. Requires a picture
// of at least 1×1.
Image PadByReflection(const Image& image, const SideRule& rule);

}  // namespace upscaler
