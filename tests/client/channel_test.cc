#include "client/channel.h"

#include <cstdlib>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>

#include "client/upscale.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::FakeUpscalerService;
using test::GoodScript;
using test::IsOk;
using test::StatusIs;

// A certificate of `name`.pem and its key, `name`.key, which vouches for itself.
void MakeCertificate(const test::TemporaryFolder& folder, const std::string& name) {
  const std::string command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
      " -subj /CN={0} -addext subjectAltName=IP:127.0.0.1 -keyout {1}.key -out {1}.pem"
      " 2>/dev/null",
      name, folder.Path(name));
  ASSERT_EQ(std::system(command.c_str()), 0);
}

// A server that wants a certificate of its clients.
class MutualTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MakeCertificate(folder_, "server");
    MakeCertificate(folder_, "client");
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = folder_.Read("client.pem");
    options.pem_key_cert_pairs = {{folder_.Read("server.key"), folder_.Read("server.pem")}};
    service_.emplace(GoodScript({"picture"}), grpc::SslServerCredentials(options));
  }

  ChannelOptions Good() const {
    return {.target = service_->target(),
            .tls = true,
            .ca_file = folder_.Path("server.pem"),
            .certificate_file = folder_.Path("client.pem"),
            .key_file = folder_.Path("client.key")};
  }

  absl::Status Call(const ChannelOptions& options) {
    const auto channel = MakeChannel(options);
    if (!channel.ok()) return channel.status();
    return Upscale(*channel, {.image = "image"}, nullptr, kNoRetries).status();
  }

  test::TemporaryFolder folder_;
  std::optional<FakeUpscalerService> service_;
};

TEST_F(MutualTlsTest, LetsInWhoShowsItsCertificate) { EXPECT_THAT(Call(Good()), IsOk()); }

TEST_F(MutualTlsTest, IsRefusedWithoutACertificate) {
  ChannelOptions options = Good();
  options.certificate_file.clear();
  options.key_file.clear();

  EXPECT_THAT(Call(options), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MutualTlsTest, RefusesAServerThatNobodyVouchesFor) {
  ChannelOptions options = Good();
  options.ca_file = folder_.Path("client.pem");

  EXPECT_THAT(Call(options), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MutualTlsTest, RefusesACertificateThatIsForAnotherNameThanTold) {
  ChannelOptions options = Good();
  options.tls_name = "127.0.0.1";
  EXPECT_THAT(Call(options), IsOk());

  options.tls_name = "other.example";
  EXPECT_THAT(Call(options), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(MutualTlsTest, RefusesACertificateWithoutItsKey) {
  ChannelOptions options = Good();
  options.key_file.clear();

  EXPECT_THAT(Call(options), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(MutualTlsTest, NamesAFileThatIsNotThere) {
  ChannelOptions options = Good();
  options.ca_file = folder_.Path("missing.pem");

  const absl::Status status = Call(options);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_NE(status.message().find("missing.pem"), absl::string_view::npos);
}

TEST_F(MutualTlsTest, NamesAFolderThatShouldBeAFile) {
  ChannelOptions options = Good();
  options.ca_file = ::testing::TempDir();

  const absl::Status status = Call(options);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_NE(status.message().find("it is a folder"), absl::string_view::npos);
}

}  // namespace
}  // namespace upscaler
