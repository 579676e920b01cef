#include "server/access/key_digest.h"

#include <charconv>
#include <cstddef>
#include <system_error>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace upscaler {

std::optional<KeyDigest> DigestOf(std::string_view text) {
  KeyDigest digest{};
  const int done =
      EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  if (done != 1) return std::nullopt;
  return digest;
}

std::optional<KeyDigest> ParseDigest(std::string_view hexadecimal) {
  KeyDigest digest{};
  if (hexadecimal.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const char* const start = hexadecimal.data() + 2 * i;
    const auto [stop, error] = std::from_chars(start, start + 2, digest[i], /*base=*/16);
    if (error != std::errc() || stop != start + 2) return std::nullopt;
  }
  return digest;
}

bool SameDigest(const KeyDigest& left, const KeyDigest& right) {
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace upscaler
