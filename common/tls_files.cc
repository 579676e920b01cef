#include "common/tls_files.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

struct FreeBio {
  void operator()(BIO* file) const { BIO_free(file); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using File = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

absl::Status Wrong(std::string_view setting, const std::string& path, std::string_view problem) {
  ERR_clear_error();  // OpenSSL's notes on this thread: nobody else will read them.
  return absl::FailedPreconditionError(fmt::format("--{} {}: {}", setting, path, problem));
}

absl::StatusOr<File> OpenFile(std::string_view setting, const std::string& path) {
  File file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) return Wrong(setting, path, "cannot be read");
  return file;
}

// At least one.
absl::StatusOr<std::vector<Certificate>> ReadCertificates(std::string_view setting,
                                                          const std::string& path) {
  UPSCALER_ASSIGN_OR_RETURN(const File file, OpenFile(setting, path));
  std::vector<Certificate> certificates;
  while (true) {
    Certificate next(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    certificates.push_back(std::move(next));
  }
  // Where a next one would begin, there should be none.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !ended) {
    return Wrong(setting, path, "wanted certificates in PEM");
  }
  ERR_clear_error();
  return certificates;
}

// Without this OpenSSL would ask for the passphrase at the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*unused*/) { return -1; }

absl::StatusOr<PrivateKey> ReadPrivateKey(std::string_view setting, const std::string& path) {
  UPSCALER_ASSIGN_OR_RETURN(const File file, OpenFile(setting, path));
  PrivateKey key(PEM_read_bio_PrivateKey(file.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) return Wrong(setting, path, "wanted a private key in PEM, not encrypted");
  return key;
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  UPSCALER_ASSIGN_OR_RETURN(const std::vector<Certificate> chain,
                            ReadCertificates("tls-cert", files.certificate));
  UPSCALER_ASSIGN_OR_RETURN(const PrivateKey key, ReadPrivateKey("tls-key", files.private_key));
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    return Wrong("tls-key", files.private_key,
                 fmt::format("not the key of the first certificate in {}", files.certificate));
  }
  if (files.client_ca.empty()) return absl::OkStatus();
  return ReadCertificates("tls-client-ca", files.client_ca).status();
}

}  // namespace upscaler
