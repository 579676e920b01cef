// IPTC's record of a picture, which JPEG and TIFF carry in different wrappings.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace upscaler {

// The most that goes into one of JPEG's segments, less what stands before the data.
constexpr std::size_t kMostJpegSegmentBytes = 65'000;

// The record in `iptc`, whichever of them that came from, as this one has it: JPEG among
// Photoshop's resources, TIFF bare. The other resources are left out, since there are copies among
// them of what EXIF must not say: where the picture was taken, and how its thumbnail looks. ""
// where there is no record, or not the whole of it; for JPEG also where a segment is too small for
// it. Thread-safe.
std::string IptcForJpeg(std::string_view iptc);
std::string IptcForTiff(std::string_view iptc);

}  // namespace upscaler
