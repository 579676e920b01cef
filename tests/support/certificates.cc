#include "tests/support/certificates.h"

#include <cstdint>
#include <functional>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace upscaler::test {
namespace {

struct FreeMemory {
  void operator()(BIO* memory) const { BIO_free(memory); }
};
using Memory = std::unique_ptr<BIO, FreeMemory>;

std::string TextOf(const Memory& memory) {
  std::string text(BIO_ctrl_pending(memory.get()), '\0');
  BIO_read(memory.get(), text.data(), static_cast<int>(text.size()));
  return text;
}

struct FreeExtension {
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};

void Extend(X509* certificate, const char* name, const char* value) {
  const std::unique_ptr<X509_EXTENSION, FreeExtension> extension(
      X509V3_EXT_conf(nullptr, nullptr, name, value));
  X509_add_ext(certificate, extension.get(), -1);
}

}  // namespace

std::string Identity::certificate() const {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate_.get());
  return TextOf(memory);
}

std::string Identity::private_key() const {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(memory);
}

std::string Identity::encrypted_private_key() const {
  const Memory memory(BIO_new(BIO_s_mem()));
  const unsigned char passphrase[] = "passphrase";
  PEM_write_bio_PrivateKey(memory.get(), key_.get(), EVP_aes_128_cbc(), passphrase,
                           sizeof(passphrase), nullptr, nullptr);
  return TextOf(memory);
}

void Identity::Free::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void Identity::Free::operator()(X509* certificate) const { X509_free(certificate); }

Identity::Identity(const std::string& name, const Identity* issuer)
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
    Extend(made, "basicConstraints", "critical,CA:TRUE");
  } else {
    Extend(made, "subjectAltName", "DNS:localhost,IP:127.0.0.1");
  }
  X509_sign(made, signer.key_.get(), EVP_sha256());
}

}  // namespace upscaler::test
