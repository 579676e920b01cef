#include "common/tls_files.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::Identity;
using test::IsOk;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsFilesTest : public ::testing::Test {
 protected:
  // That the check fails and names the setting and the file.
  void ExpectRefused(const TlsFiles& files, const std::string& setting, const std::string& file) {
    const absl::Status status = CheckTlsFiles(files);

    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(setting), HasSubstr(file)));
  }

  const test::TemporaryFolder folder_;
  const Identity authority_{"authority"};
  const Identity server_ = authority_.Issue("server");
  const TlsFiles files_{.certificate = folder_.Write("server.pem", server_.certificate()),
                        .private_key = folder_.Write("server.key", server_.private_key())};
};

TEST_F(TlsFilesTest, AreTakenWhereTheyFit) {
  TlsFiles files = files_;
  EXPECT_THAT(CheckTlsFiles(files), IsOk());

  files.client_ca = folder_.Write("ca.pem", authority_.certificate());
  EXPECT_THAT(CheckTlsFiles(files), IsOk());
}

TEST_F(TlsFilesTest, AreTakenWithTheWholeChain) {
  folder_.Write("server.pem", server_.certificate() + authority_.certificate());

  EXPECT_THAT(CheckTlsFiles(files_), IsOk());
}

TEST_F(TlsFilesTest, AreNamedWhereTheyAreMissing) {
  const std::string none = folder_.Path("none");
  TlsFiles files = files_;
  files.certificate = none;
  ExpectRefused(files, "--tls-cert", none);

  files = files_;
  files.private_key = none;
  ExpectRefused(files, "--tls-key", none);

  files = files_;
  files.client_ca = none;
  ExpectRefused(files, "--tls-client-ca", none);
}

TEST_F(TlsFilesTest, AreNamedWhereTheyHoldSomethingElse) {
  const std::string whole = server_.certificate();
  const std::string half = folder_.Write("half", whole.substr(0, whole.size() / 2));
  const std::string second_is_half = folder_.Write("second", whole + whole.substr(0, 100));
  for (const std::string& bad : {folder_.Write("text", "no PEM"), folder_.Write("empty", ""), half,
                                 second_is_half, files_.private_key, folder_.Path("")}) {
    TlsFiles files = files_;
    files.certificate = bad;
    ExpectRefused(files, "--tls-cert", bad);

    files = files_;
    files.client_ca = bad;
    ExpectRefused(files, "--tls-client-ca", bad);
  }
  TlsFiles files = files_;
  files.private_key = files_.certificate;
  ExpectRefused(files, "--tls-key", files.private_key);
}

TEST_F(TlsFilesTest, AreRefusedWithAKeyThatNeedsAPassphrase) {
  TlsFiles files = files_;
  files.private_key = folder_.Write("locked.key", server_.encrypted_private_key());

  ExpectRefused(files, "--tls-key", "not encrypted");
}

TEST_F(TlsFilesTest, AreRefusedWithAnothersKey) {
  TlsFiles files = files_;
  files.private_key = folder_.Write("other.key", authority_.Issue("other").private_key());

  ExpectRefused(files, "--tls-key", files.certificate);
}

}  // namespace
}  // namespace upscaler
