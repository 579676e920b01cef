// A picture at another size, for callers who want their result at a size of their own.

#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/imaging/image.h"

namespace upscaler {

// Whether a picture of one size can be brought to the other: kInvalidArgument naming the
// field "resize_to" where a side becomes more than a million times shorter.
absl::Status CheckResize(int from_width, int from_height, int to_width, int to_height);

// `image` at exactly this size, each axis on its own: with Lanczos' filter where it gets
// smaller, with a bicubic one where it gets larger. The corners stay where they are. Requires
// sides of at least 1.
//
// As CheckResize; kInternal when libvips fails. Blocks for as long as it takes. Thread-safe,
// once a VipsLibrary exists.
absl::StatusOr<Image> ResizeImage(Image image, int width, int height);

}  // namespace upscaler
