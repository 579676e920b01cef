// The checksum of bytes on their way: CRC-32, that of zlib and PNG, which every language
// has at hand.

#pragma once

#include <cstdint>
#include <string_view>

namespace upscaler {

// Of `bytes`, or of all bytes so far where `before` is that of those that came earlier.
std::uint32_t Crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace upscaler
