// How much memory to take at once for bytes that a server announces.
//
// A large picture that grew from chunk to chunk would be held twice whenever it had to be moved.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace upscaler {

// What a server says before it has sent anything is believed up to 1 GiB.
inline std::size_t BytesToReserve(std::uint64_t announced) {
  return static_cast<std::size_t>(std::min(announced, std::uint64_t{1} << 30));
}

}  // namespace upscaler
