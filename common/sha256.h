// The digest by which contents are known, whatever they are called.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/types.h>

namespace upscaler {

// SHA-256 of bytes as they come. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  // The next bytes; how they are cut makes no difference.
  void Add(std::string_view bytes);

  // The 32 bytes of the digest. Once.
  std::string Finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace upscaler
