// Sizes of pictures by the form that people write them in: "640x480".

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// The size that `text` names: width, a small x, height, both 1 to 4294967295 without sign,
// blanks or leading zeros. Nothing for anything else.
std::optional<v1::ImageSize> SizeNamed(std::string_view text);

// As SizeNamed reads it.
std::string SizeName(const v1::ImageSize& size);

}  // namespace upscaler
