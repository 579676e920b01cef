// Certificates made on the spot, for tests of TLS. Link with OpenSSL::Crypto.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace upscaler::test {

// A key and a certificate for it, as the texts that files of PEM hold.
class Identity {
 public:
  // An authority: it vouches for itself, and for whom it issues.
  explicit Identity(const std::string& name) : Identity(name, nullptr) {}

  // The holder of a certificate for `localhost` and 127.0.0.1, for a server or a client.
  Identity Issue(const std::string& name) const { return Identity(name, this); }

  std::string certificate() const {
    const Memory memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(memory.get(), certificate_.get());
    return TextOf(memory);
  }

  std::string private_key() const {
    const Memory memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return TextOf(memory);
  }

  // As files hold it that ask for a passphrase.
  std::string encrypted_private_key() const {
    const Memory memory(BIO_new(BIO_s_mem()));
    const unsigned char passphrase[] = "passphrase";
    PEM_write_bio_PrivateKey(memory.get(), key_.get(), EVP_aes_128_cbc(), passphrase,
                             sizeof(passphrase), nullptr, nullptr);
    return TextOf(memory);
  }

 private:
  struct Free {
    void operator()(BIO* memory) const { BIO_free(memory); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  };
  using Memory = std::unique_ptr<BIO, Free>;

  Identity(const std::string& name, const Identity* issuer)
      : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), certificate_(X509_new()) {
    constexpr std::int64_t kDay = 24 * 3600;
    const Identity& signer = issuer == nullptr ? *this : *issuer;
    X509* const made = certificate_.get();
    X509_set_version(made, X509_VERSION_3);
    // Serial numbers need to differ among what one authority issues.
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), std::hash<std::string>()(name) >> 1U);
    X509_gmtime_adj(X509_getm_notBefore(made), -kDay);
    X509_gmtime_adj(X509_getm_notAfter(made), kDay);
    X509_set_pubkey(made, key_.get());
    X509_NAME* const subject = X509_get_subject_name(made);
    const std::basic_string<unsigned char> bytes(name.begin(), name.end());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes.c_str(), -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(signer.certificate_.get()));
    if (issuer == nullptr) {
      Extend("basicConstraints", "critical,CA:TRUE");
    } else {
      Extend("subjectAltName", "DNS:localhost,IP:127.0.0.1");
    }
    X509_sign(made, signer.key_.get(), EVP_sha256());
  }

  void Extend(const char* name, const char* value) {
    const std::unique_ptr<X509_EXTENSION, Free> extension(
        X509V3_EXT_conf(nullptr, nullptr, name, value));
    X509_add_ext(certificate_.get(), extension.get(), -1);
  }

  static std::string TextOf(const Memory& memory) {
    std::string text(BIO_ctrl_pending(memory.get()), '\0');
    BIO_read(memory.get(), text.data(), static_cast<int>(text.size()));
    return text;
  }

  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

}  // namespace upscaler::test
