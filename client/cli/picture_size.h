// How many pixels a picture has, from its first bytes: enough to ask what it would take.

#pragma once

#include <optional>
#include <string_view>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// The size that the file's header gives of a PNG, JPEG, WebP, GIF, TIFF, HEIC or AVIF, or
// nothing where it is none of them or has none. The picture itself may still be damaged. One
// that is to be turned, as cameras say, is measured upright.
std::optional<v1::ImageSize> ReadPictureSize(std::string_view file);

}  // namespace upscaler
