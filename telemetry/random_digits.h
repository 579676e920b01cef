// Hexadecimal digits for ids that nobody else has.

#pragma once

#include <cstddef>
#include <string>

namespace upscaler {

// So many of them, at most 32, drawn at random and not all zeros. Thread-safe.
std::string RandomDigits(std::size_t count);

}  // namespace upscaler
