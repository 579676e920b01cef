// How many pictures a TIFF says it has.

#pragma once

#include <string_view>

namespace upscaler {

// The directories of `file`, a TIFF or BigTIFF, one a picture, counted up to `most`: libvips
// counts them all before it says how large the picture is, which can take minutes where a file
// has millions, or goes in circles. 0 where there is none. Thread-safe.
int CountTiffDirectories(std::string_view file, int most);

}  // namespace upscaler
