// The API keys of one keys file: who has which, and what each may do.
//
// One key a line, words apart by blanks:
//
//   # name      key                                          bounds of its own, if any
//   mobile-app  3fJ0cM0tJm7m3oUu0QzqTg                       requests_per_minute=60 concurrent=4
//   partner     sha256:9f86d081884c7d659a2feaa0c55ad015a3...
//
// The second form holds no secret: it is the digest of the key that the client sends.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "server/access/key_digest.h"
#include "server/access/quota.h"

namespace upscaler {

struct ApiKey {
  std::string name{};  // Of the caller, for logs.
  KeyDigest digest{};
  // What the file says; the default applies where it says nothing.
  std::optional<int> requests_per_minute{};
  std::optional<int> concurrent_calls{};

  // The key's bounds, with those of `otherwise` where it has none of its own.
  Quota QuotaOr(const Quota& otherwise) const;
};

// At least one key. Immutable; thread-safe.
class ApiKeys {
 public:
  static constexpr std::size_t kMaxNameLength = 64;
  static constexpr std::size_t kMinKeyLength = 16;
  static constexpr std::size_t kMaxKeyLength = 256;
  // Of either bound of a key; 0 means that there is none.
  static constexpr int kMaxBound = 1'000'000;

  // Reads lines of `name key [requests_per_minute=N] [concurrent=N]`. A name is letters,
  // digits and "-_."; a key is visible ASCII. A word that begins with # starts a comment.
  // kFailedPrecondition, naming `origin` and the line but never what stands there, when a
  // line is malformed, a name or a key appears twice, or there is no key at all: a file that
  // was emptied must not open the service to everybody.
  static absl::StatusOr<ApiKeys> Parse(std::string_view text, std::string_view origin);

  // The key that a client sent, or null. Takes as long for any text of that length.
  const ApiKey* Find(std::string_view key) const;

  const std::vector<ApiKey>& all() const { return keys_; }

 private:
  explicit ApiKeys(std::vector<ApiKey> keys);

  std::vector<ApiKey> keys_;
};

}  // namespace upscaler
