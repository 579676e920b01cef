// Between our pictures and libvips', for the files of this room that work with both.

#pragma once

#include <vips/vips8>

#include "worker/imaging/image.h"

namespace upscaler {

// The pixels of `picture`, of which libvips computes what it has not computed yet. Requires
// 8 bits a sample and Image::kChannels bands. Throws vips::VError where that fails.
Image ToImage(const vips::VImage& picture);

// A view of the pixels. It must not outlive `image`. Throws vips::VError.
vips::VImage ViewOf(const Image& image);

}  // namespace upscaler
