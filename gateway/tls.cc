#include "gateway/tls.h"

#include <array>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include "common/status_macros.h"
#include "gateway/connection_context.h"

namespace upscaler {
namespace {

// As gRPC's: what is older is broken.
constexpr const char* kVersions = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

// The server's own and those that vouch for it.
constexpr unsigned kMaxChain = 16;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// GnuTLS reads these bytes and leaves them as they are.
gnutls_datum_t DatumOf(const std::string& text) {
  return {.data = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          .size = static_cast<unsigned>(text.size())};
}

struct FreeTrust {
  void operator()(gnutls_x509_trust_list_st* list) const {
    gnutls_x509_trust_list_deinit(list, /*all=*/1);
  }
};
using Trust = std::unique_ptr<gnutls_x509_trust_list_st, FreeTrust>;

Trust TrustIn(const std::string& certificates) {
  gnutls_x509_trust_list_t list = nullptr;
  gnutls_x509_trust_list_init(&list, /*size=*/0);
  Trust trust(list);
  const gnutls_datum_t text = DatumOf(certificates);
  gnutls_x509_trust_list_add_trust_mem(list, &text, nullptr, GNUTLS_X509_FMT_PEM, 0, 0);
  return trust;
}

// The certificates that a client has shown, its own first.
class PeerChain {
 public:
  explicit PeerChain(gnutls_session_t session) {
    unsigned count = 0;
    const gnutls_datum_t* const shown = gnutls_certificate_get_peers(session, &count);
    for (unsigned i = 0; shown != nullptr && i < count && i < kMaxChain; ++i) {
      gnutls_x509_crt_t certificate = nullptr;
      gnutls_x509_crt_init(&certificate);
      certificates_.push_back(certificate);
      if (gnutls_x509_crt_import(certificate, &shown[i], GNUTLS_X509_FMT_DER) < 0) valid_ = false;
    }
  }
  ~PeerChain() {
    for (gnutls_x509_crt_t certificate : certificates_) gnutls_x509_crt_deinit(certificate);
  }
  PeerChain(const PeerChain&) = delete;
  PeerChain& operator=(const PeerChain&) = delete;

  bool IsVouchedForBy(gnutls_x509_trust_list_t trust) {
    if (!valid_ || certificates_.empty()) return false;
    // One that says what it is for has to be for clients.
    std::string purpose = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st wanted{.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                 .data = reinterpret_cast<unsigned char*>(purpose.data()),
                                 .size = static_cast<unsigned>(purpose.size())};
    unsigned problems = 0;
    const int error = gnutls_x509_trust_list_verify_crt2(
        trust, certificates_.data(), static_cast<unsigned>(certificates_.size()), &wanted,
        /*elements=*/1, /*flags=*/0, &problems, nullptr);
    return error >= 0 && problems == 0;
  }

 private:
  std::vector<gnutls_x509_crt_t> certificates_;
  bool valid_ = true;
};

}  // namespace

// What stood in the files at one time.
struct Tls::Loaded {
  std::string chain;
  std::string private_key;
  std::string client_ca;  // Empty: clients need no certificate.
  Trust trust;            // What client_ca says; null without.

  bool SameFilesAs(const Loaded& other) const {
    return chain == other.chain && private_key == other.private_key && client_ca == other.client_ca;
  }
};

struct Tls::Callbacks {
  // The chain and the key for one handshake, as copies that GnuTLS frees: the next ones may
  // be others. Negative ends the handshake.
  static int OnHandshake(gnutls_session_t session, const gnutls_cert_retr_st* /*wish*/,
                         gnutls_pcert_st** chain, unsigned* chain_length,
                         gnutls_ocsp_data_st** ocsp, unsigned* ocsp_length,
                         gnutls_privkey_t* private_key, unsigned* flags) {
    auto* const connection = static_cast<MHD_Connection*>(gnutls_session_get_ptr(session));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info == nullptr || info->socket_context == nullptr) return -1;
    const auto loaded = static_cast<const ConnectionContext*>(info->socket_context)->tls->loaded();

    gnutls_privkey_init(private_key);
    const gnutls_datum_t key = DatumOf(loaded->private_key);
    if (gnutls_privkey_import_x509_raw(*private_key, &key, GNUTLS_X509_FMT_PEM, nullptr, 0) < 0 ||
        !CopyChain(loaded->chain, chain, chain_length)) {
      gnutls_privkey_deinit(*private_key);
      return -1;
    }
    *ocsp = nullptr;
    *ocsp_length = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return 0;
  }

  // False, and nothing to free, where it cannot be done.
  static bool CopyChain(const std::string& text, gnutls_pcert_st** chain, unsigned* length) {
    *length = kMaxChain;
    *chain = static_cast<gnutls_pcert_st*>(gnutls_calloc(kMaxChain, sizeof(gnutls_pcert_st)));
    if (*chain == nullptr) return false;
    const gnutls_datum_t certificates = DatumOf(text);
    if (gnutls_pcert_list_import_x509_raw(*chain, length, &certificates, GNUTLS_X509_FMT_PEM, 0) >=
        0) {
      return true;
    }
    gnutls_free(*chain);
    return false;
  }
};

// Lives as long as the daemon, which looks at the texts when it begins.
struct Tls::Daemon {
  std::string client_ca;
  std::array<MHD_OptionItem, 4> options{};
};

absl::StatusOr<std::unique_ptr<const Tls>> Tls::Open(Options options) {
  UPSCALER_ASSIGN_OR_RETURN(std::shared_ptr<const Loaded> loaded, Load(options.files));
  // Not make_unique: the constructor is private.
  return std::unique_ptr<const Tls>(new Tls(std::move(options), std::move(loaded)));
}

Tls::Tls(Options options, std::shared_ptr<const Loaded> loaded)
    : options_(std::move(options)), loaded_(loaded) {
  auto daemon = std::make_unique<Daemon>();
  daemon->client_ca = loaded->client_ca;
  // The trust makes the daemon ask clients for certificates; Admits judges them.
  const bool asks = !daemon->client_ca.empty();
  daemon->options = {{
      {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, reinterpret_cast<void*>(&Callbacks::OnHandshake)},
      {MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kVersions)},
      {asks ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, daemon->client_ca.data()},
      {MHD_OPTION_END, 0, nullptr},
  }};
  daemon_ = std::move(daemon);
  ticker_ = std::make_unique<Ticker>(options_.refresh, [this] { Refresh(); });
}

Tls::~Tls() = default;

const MHD_OptionItem* Tls::daemon_options() const { return daemon_->options.data(); }

bool Tls::Admits(MHD_Connection* connection) const {
  const std::shared_ptr<const Loaded> now = loaded();
  if (now->trust == nullptr) return true;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info == nullptr) return false;
  return PeerChain(static_cast<gnutls_session_t>(info->tls_session))
      .IsVouchedForBy(now->trust.get());
}

absl::StatusOr<std::shared_ptr<const Tls::Loaded>> Tls::Load(const TlsFiles& files) {
  UPSCALER_RETURN_IF_ERROR(CheckTlsFiles(files));
  auto loaded = std::make_shared<Loaded>();
  loaded->chain = ReadFile(files.certificate);
  loaded->private_key = ReadFile(files.private_key);
  if (!files.client_ca.empty()) {
    loaded->client_ca = ReadFile(files.client_ca);
    loaded->trust = TrustIn(loaded->client_ca);
  }
  return loaded;
}

void Tls::Refresh() {
  absl::StatusOr<std::shared_ptr<const Loaded>> fresh = Load(options_.files);
  const std::string problem(fresh.status().message());
  const bool same_problem = std::exchange(told_, problem) == problem;
  if (fresh.ok()) {
    const MutexLock lock(mutex_);
    if ((*fresh)->SameFilesAs(*loaded_)) return;
    loaded_ = *std::move(fresh);
  } else if (same_problem) {
    return;
  }
  if (options_.on_reload != nullptr) options_.on_reload(fresh.status());
}

std::shared_ptr<const Tls::Loaded> Tls::loaded() const {
  const MutexLock lock(mutex_);
  return loaded_;
}

}  // namespace upscaler
