// How many pictures a GIF has.

#pragma once

#include <string_view>

namespace upscaler {

// The frames of `file`, a GIF, that are there to their ends, counted up to `most`: libvips keeps
// something of each before it says how many there are, and only before its release 8.15 gives up
// after some thousands. Looks at no pixels, and keeps nothing. 0 where there is none. Thread-safe.
int CountGifFrames(std::string_view file, int most);

}  // namespace upscaler
