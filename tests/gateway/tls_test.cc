// By a client of OpenSSL's, on the loopback.

#include "gateway/tls.h"

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "client/channel.h"
#include "common/mutex.h"
#include "gateway/gateway.h"
#include "tests/support/certificates.h"
#include "tests/support/server_sockets.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::Identity;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;

struct FreeSsl {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* connection) const { BIO_free_all(connection); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

struct TlsReply {
  int status = 0;    // Of HTTP; 0 where there was no answer.
  std::string name;  // In the server's certificate.
};

// A GET with the certificate in the files `own`.pem and `own`.key, or none. Calls `connected`
// when the handshake is done.
TlsReply Get(
    std::uint16_t port, const std::string& path, const std::string& own = "",
    int newest = TLS1_3_VERSION, const std::function<void()>& connected = [] {}) {
  const std::unique_ptr<SSL_CTX, FreeSsl> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), newest);
  SSL_CTX_set_security_level(context.get(), 0);
  if (!own.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), (own + ".pem").c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), (own + ".key").c_str(), SSL_FILETYPE_PEM);
  }
  const std::unique_ptr<BIO, FreeSsl> connection(BIO_new_ssl_connect(context.get()));
  BIO_set_conn_hostname(connection.get(), fmt::format("127.0.0.1:{}", port).c_str());
  if (BIO_do_connect(connection.get()) != 1 || BIO_do_handshake(connection.get()) != 1) return {};
  connected();
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  const std::unique_ptr<X509, FreeSsl> certificate(SSL_get1_peer_certificate(ssl));
  char name[64] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                            sizeof name);
  BIO_puts(
      connection.get(),
      fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path).c_str());
  std::string text;
  char buffer[4096];
  for (int got = 0; (got = BIO_read(connection.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t code = std::string_view("HTTP/1.1 ").size();
  return {.status = text.size() > code ? std::atoi(text.c_str() + code) : 0, .name = name};
}

class TlsTest : public ::testing::Test {
 protected:
  void Start() {
    auto gateway =
        Gateway::Start({.address = "127.0.0.1:0",
                        .drain_timeout = 0ms,
                        .tls = {.files = files_,
                                .refresh = 1ms,
                                .on_reload = [this](const absl::Status& status) { Hear(status); }}},
                       *backends_, uploads_, clock_);
    ASSERT_THAT(gateway, IsOk());
    gateway_ = *std::move(gateway);
  }

  // Blocks until the files were read again, and returns what came of the first time.
  absl::Status AwaitReload() {
    MutexLock lock(mutex_);
    while (reloads_.empty()) lock.Wait(reloaded_);
    return reloads_.front();
  }

  // The files' common beginning.
  std::string Write(const Identity& identity, const std::string& name) const {
    folder_.Write(name + ".key", identity.private_key());
    folder_.Write(name + ".pem", identity.certificate());
    return folder_.Path(name);
  }

  TlsReply Ask(const std::string& path, const std::string& own = "") const {
    return Get(gateway_->port(), path, own);
  }

  const test::TemporaryFolder folder_;
  const Identity authority_{"authority"};
  const Identity server_ = authority_.Issue("server");
  TlsFiles files_{.certificate = Write(server_, "server") + ".pem",
                  .private_key = folder_.Path("server.key")};
  const SteadyClock clock_{};
  UploadBudget uploads_{/*bytes=*/1'000'000};
  const std::unique_ptr<const Backends> backends_ = Backends::One(MakeChannel("127.0.0.1:1"));
  Mutex mutex_;
  std::condition_variable reloaded_;
  std::vector<absl::Status> reloads_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Gateway> gateway_;

 private:
  void Hear(const absl::Status& status) {
    const MutexLock lock(mutex_);
    reloads_.push_back(status);
    reloaded_.notify_all();
  }
};

TEST_F(TlsTest, ServesWithTheCertificate) {
  Start();

  const TlsReply reply = Ask("/v1");

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.name, "server");
}

TEST_F(TlsTest, SendsSmallAnswersAtOnce) {
  Start();

  const TlsReply reply = Get(gateway_->port(), "/v1", "", TLS1_3_VERSION, [this] {
    EXPECT_THAT(test::NoDelayAt(gateway_->port()), ElementsAre(true));
  });

  EXPECT_EQ(reply.status, 200);
}

TEST_F(TlsTest, SpeaksNoVersionThatIsBroken) {
  Start();

  EXPECT_EQ(Get(gateway_->port(), "/v1", "", TLS1_2_VERSION).status, 200);
  EXPECT_EQ(Get(gateway_->port(), "/v1", "", TLS1_1_VERSION).status, 0);
}

TEST_F(TlsTest, ServesClientsThatTheAuthorityVouchesForAndProbes) {
  files_.client_ca = folder_.Write("ca.pem", authority_.certificate());
  const std::string friendly = Write(authority_.Issue("friend"), "friend");
  const std::string stranger = Write(Identity("other authority").Issue("stranger"), "stranger");
  Start();

  EXPECT_EQ(Ask("/v1", friendly).status, 200);
  EXPECT_EQ(Ask("/v1", stranger).status, 403);
  EXPECT_EQ(Ask("/v1").status, 403);
  EXPECT_EQ(Ask("/livez").status, 200);
  EXPECT_EQ(Ask("/readyz").status, 200);
}

TEST_F(TlsTest, TakesUpARenewedCertificate) {
  Start();

  // What is there between the two fits together as little as it does for an operator.
  const Identity renewed = authority_.Issue("renewed");
  folder_.Write("server.key", renewed.private_key());
  EXPECT_THAT(AwaitReload(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Ask("/v1").name, "server");
  folder_.Write("server.pem", renewed.certificate());

  while (Ask("/v1").name != "renewed") continue;
}

TEST_F(TlsTest, RefusesFilesThatDoNotFit) {
  files_.private_key = folder_.Write("other.key", authority_.private_key());

  EXPECT_THAT(Tls::Open({.files = files_}), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler
