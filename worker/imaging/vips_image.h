// Between our pictures and libvips', for the files of this room that work with both.

#pragma once

#include <cstdint>
#include <string_view>

#include <absl/functional/function_ref.h>
#include <vips/vips8>

#include "worker/imaging/image.h"
#include "worker/imaging/picture_traits.h"

namespace upscaler {

// Asks libvips for the rows of `picture` from the top downwards, a few at a time, and gives them
// to `take`: no copy of the whole is made. Throws vips::VError where libvips fails.
void ForEachRow(const vips::VImage& picture,
                absl::FunctionRef<void(const std::uint8_t* row, int y)> take);

// The pixels of `picture`, of which libvips computes what it has not computed yet. Requires
// 8 or 16 bits a sample and Image::kChannels bands. Throws vips::VError where that fails.
Image ToImage(const vips::VImage& picture);

// A view of the samples. It must not outlive what it is of. Throws vips::VError.
vips::VImage ViewOf(const Image& image);
vips::VImage ViewOf(const AlphaPlane& alpha);

// What libvips calls samples of so many bits, and pictures of them.
VipsBandFormat SampleFormat(int bits);
VipsInterpretation SpaceOf(int channels, int bits);

// `picture` at another size, as ResizeImage says; its samples keep their format. Computed when
// it is asked for, a few rows at a time where no side gets smaller.
vips::VImage AtSize(const vips::VImage& picture, int width, int height);

}  // namespace upscaler
