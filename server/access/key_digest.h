// SHA-256 of a text, as which API keys are kept and compared.
//
// The keys themselves are forgotten once they are read: neither a core dump nor the file, if
// it lists digests, gives them away. A plain digest is enough for keys that are drawn at
// random; a slow one, as for passwords, would be a burden on every call.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace upscaler {

using KeyDigest = std::array<std::uint8_t, 32>;

// Nothing where OpenSSL is set up without SHA-256: then no key is like any other.
std::optional<KeyDigest> DigestOf(std::string_view text);

// The digest that is written as 64 hexadecimal digits, of either case, or nothing.
std::optional<KeyDigest> ParseDigest(std::string_view hexadecimal);

// Whether they are the same. Takes as long whether or not they are, so that the time an
// answer takes says nothing of how near a guess was.
bool SameDigest(const KeyDigest& left, const KeyDigest& right);

}  // namespace upscaler
