// Certificates made on the spot, for tests of TLS.

#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

namespace upscaler::test {

// A key and a certificate for it, as the texts that files of PEM hold.
class Identity {
 public:
  // An authority: it vouches for itself, and for whom it issues.
  explicit Identity(const std::string& name) : Identity(name, nullptr) {}

  // The holder of a certificate for `localhost` and 127.0.0.1, for a server or a client.
  Identity Issue(const std::string& name) const { return Identity(name, this); }

  std::string certificate() const;
  std::string private_key() const;

  // As files hold it that ask for a passphrase.
  std::string encrypted_private_key() const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const;
    void operator()(X509* certificate) const;
  };

  Identity(const std::string& name, const Identity* issuer);

  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

}  // namespace upscaler::test
