// The formats that pictures are written in, and what each can hold.

#pragma once

#include <string_view>

#include <absl/status/status.h>

namespace upscaler {

enum class ImageFormat { kPng, kJpeg, kWebp, kTiff, kAvif };

// "PNG", "JPEG", ...
std::string_view NameOf(ImageFormat format);

// The longest side that a picture of `format` can have, in pixels.
int MaxSide(ImageFormat format);

// Whether pictures of `format` can be transparent, be grey, or have 16 bits a sample.
bool FormatHasAlpha(ImageFormat format);
bool FormatHasGrey(ImageFormat format);
bool FormatHas16Bits(ImageFormat format);

// Whether `format` can hold a picture of this size: kInvalidArgument naming the
// field "output_format" otherwise.
absl::Status CheckSides(int width, int height, ImageFormat format);

// Whether it can hold samples of so many bits, of which there are 8 or 16: kInvalidArgument
// naming the field "bit_depth" otherwise.
absl::Status CheckBits(int bits, ImageFormat format);

}  // namespace upscaler
