// The size of a HEIC or an AVIF, which are boxes in boxes (ISO/IEC 14496-12 and 23008-12).

#pragma once

#include <optional>
#include <string_view>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// Whether a file is made of such boxes. Films are, too.
bool IsHeif(std::string_view file);

// The size of its picture, upright. Nothing where it does not say.
std::optional<v1::ImageSize> ReadHeifSize(std::string_view file);

}  // namespace upscaler
