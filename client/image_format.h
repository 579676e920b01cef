// The encodings by the names that people and HTTP give them.

#pragma once

#include <optional>
#include <string_view>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// "png", "jpeg", "webp", "tiff" or "avif"; "png" for an unspecified format, which is the default.
std::string_view FormatName(v1::ImageFormat format);

// The format of that name ("jpg" and "tif" are names, too), or nothing.
std::optional<v1::ImageFormat> FormatNamed(std::string_view name);

// "image/png", or what else the format's name says.
std::string_view MediaTypeOf(v1::ImageFormat format);

}  // namespace upscaler
