// XMP as an answer gets it: without what is true of the file that came and not of the answer.

#pragma once

#include <string>
#include <string_view>

namespace upscaler {

// `xmp` without the properties that say how a file's pixels lie (its orientation, its sides) and
// without thumbnails; without those whose names begin with GPS, in capitals or not, which say
// where the picture was taken, unless `keep_location`.
// Nothing else is touched. "" where `xmp` is not XML as XMP is written, in UTF-8: nobody could
// say then what is in it. Thread-safe, O(bytes).
std::string EditXmp(std::string_view xmp, bool keep_location);

}  // namespace upscaler
