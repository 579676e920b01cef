#include "gateway/program/gateway_settings.h"

#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::VariantWith;

std::variant<GatewaySettings, EarlyExit> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "upscaler-gateway");
  return ParseGatewaySettings(static_cast<int>(arguments.size()), arguments.data());
}

GatewaySettings ParseWell(std::vector<const char*> arguments) {
  auto parsed = Parse(std::move(arguments));
  EXPECT_THAT(parsed, VariantWith<GatewaySettings>(::testing::_));
  return std::get<GatewaySettings>(std::move(parsed));
}

EarlyExit ParseBadly(std::vector<const char*> arguments) {
  auto parsed = Parse(std::move(arguments));
  EXPECT_THAT(parsed, VariantWith<EarlyExit>(::testing::_));
  return std::get<EarlyExit>(std::move(parsed));
}

TEST(GatewaySettingsTest, StandsBeforeAServerOfThisMachineByDefault) {
  EXPECT_THAT(ParseWell({}).backends, ElementsAre("127.0.0.1:8998"));
  EXPECT_EQ(ParseWell({}).rest_address, "127.0.0.1:8997");
}

TEST(GatewaySettingsTest, TakesBackendsRepeatedAndInAList) {
  EXPECT_THAT(ParseWell({"--backend=a:1", "--backend", "b:2,c:3"}).backends,
              ElementsAre("a:1", "b:2", "c:3"));
}

TEST(GatewaySettingsTest, TakesBackendsFromAFile) {
  const std::string file = ::testing::TempDir() + "upscaler-gateway.toml";
  std::ofstream(file) << "backend = [\"a:8998\", \"b:8998\"]\ndrain-seconds = 5\n";

  const GatewaySettings settings = ParseWell({"--config", file.c_str()});

  EXPECT_THAT(settings.backends, ElementsAre("a:8998", "b:8998"));
  EXPECT_EQ(settings.drain_seconds, 5);
}

TEST(GatewaySettingsTest, FilesOfTlsMeanTls) {
  EXPECT_FALSE(ParseWell({}).backend_tls);
  EXPECT_TRUE(ParseWell({"--backend-tls"}).backend_tls);
  EXPECT_TRUE(ParseWell({"--backend-ca=ca.pem"}).backend_tls);
  EXPECT_TRUE(ParseWell({"--backend-cert=a.pem", "--backend-key=a.key"}).backend_tls);
}

TEST(GatewaySettingsTest, SeveralBackendsWithTlsNeedOneName) {
  EXPECT_EQ(ParseBadly({"--backend=a:1,b:1", "--backend-tls"}).code, 2);
  EXPECT_EQ(ParseWell({"--backend=a:1,a:2", "--backend-tls"}).backend_tls_name, "a");
  EXPECT_EQ(ParseWell({"--backend=a:1", "--backend-tls"}).backend_tls_name, "");
  EXPECT_EQ(ParseWell({"--backend=dns:///a:1", "--backend-tls"}).backend_tls_name, "");
  EXPECT_EQ(
      ParseWell({"--backend=a:1,b:1", "--backend-tls", "--backend-tls-name=c"}).backend_tls_name,
      "c");
}

TEST(GatewaySettingsTest, TakesBodiesOfUpTo1024Mib) {
  EXPECT_EQ(ParseWell({"--max-upload-mib=1024", "--uploads-mib=1024"}).max_upload_mib, 1024U);
}

TEST(GatewaySettingsTest, RefusesWhatCannotBe) {
  const struct {
    const char* argument;
    const char* text;
  } mistakes[] = {{"--backend=upscaler", "--backend: 'upscaler' given"},
                  {"--cors-origins=shop", "--cors-origins: 'shop' is no origin"},
                  {"--backend-cert=a.pem", "--backend-cert and --backend-key need one another"},
                  {"--tls-key=a.key", "--tls-cert and --tls-key need one another"},
                  {"--uploads-mib=31", "--uploads-mib must be at least --max-upload-mib"},
                  {"--tls-client-ca=a.pem", "--tls-client-ca needs --tls-cert and --tls-key"},
                  {"--max-upload-mib=0", "--max-upload-mib"},
                  {"--max-upload-mib=1025", "--max-upload-mib"},
                  {"--no-such-option", "--no-such-option"}};
  for (const auto& [argument, text] : mistakes) {
    const EarlyExit exit = ParseBadly({argument});

    EXPECT_EQ(exit.code, 2) << argument;
    EXPECT_THAT(exit.text, HasSubstr(text));
  }
}

TEST(GatewaySettingsTest, ExplainsItself) {
  EXPECT_EQ(ParseBadly({"--help"}).code, 0);
  EXPECT_THAT(ParseBadly({"--help"}).text, HasSubstr("dns:///upscaler-headless:8998"));
  EXPECT_EQ(ParseBadly({"--version"}).code, 0);
  EXPECT_THAT(ParseBadly({"--version"}).text, StartsWith("upscaler-gateway "));
}

}  // namespace
}  // namespace upscaler
