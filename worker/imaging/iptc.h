// IPTC's record of a picture, which JPEG and TIFF carry in different wrappings.

#pragma once

#include <string>
#include <string_view>

namespace upscaler {

// `iptc` as one of them had it, for the other: JPEG has it among Photoshop's resources, TIFF
// bare. "" where there is none in it, or not the whole of it. Thread-safe.
std::string IptcForJpeg(std::string_view iptc);
std::string IptcForTiff(std::string_view iptc);

}  // namespace upscaler
