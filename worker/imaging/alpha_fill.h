// Colours for what cannot be seen.
//
// Where a picture is wholly transparent its file may say anything, black as a rule. The model
// would draw an edge there and let its colour bleed into what is visible: the dark fringes around
// upscaled stickers. So what is invisible is given the colours of what is visible next to it.

#pragma once

#include "worker/imaging/image.h"
#include "worker/imaging/picture_traits.h"

namespace upscaler {

// Gives the wholly transparent pixels of `image` colours that go smoothly on from the visible
// ones around them, weighted by their alpha. Visible pixels keep theirs; a picture without any
// stays as it is. Requires `alpha` to have the image's size. Pure; O(pixels), and takes about
// five bytes a pixel meanwhile.
void FillTransparent(Image& image, const AlphaPlane& alpha);

}  // namespace upscaler
