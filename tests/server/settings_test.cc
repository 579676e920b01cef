#include "server/settings.h"

#include <cstdlib>
#include <filesystem>
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
using ::testing::VariantWith;

std::variant<Settings, EarlyExit> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "upscaler-server");
  return ParseSettings(static_cast<int>(arguments.size()), arguments.data());
}

Settings ParseWell(std::vector<const char*> arguments) {
  auto parsed = Parse(std::move(arguments));
  EXPECT_THAT(parsed, VariantWith<Settings>(::testing::_));
  return std::get<Settings>(std::move(parsed));
}

EarlyExit ParseBadly(std::vector<const char*> arguments) {
  auto parsed = Parse(std::move(arguments));
  EXPECT_THAT(parsed, VariantWith<EarlyExit>(::testing::_));
  return std::get<EarlyExit>(std::move(parsed));
}

TEST(SettingsTest, ServesTheDemoModelToThisMachineByDefault) {
  const Settings settings = ParseWell({});

  EXPECT_EQ(settings.model_name, "demo");
  EXPECT_TRUE(std::filesystem::exists(settings.model + "/model_index.json"));
  EXPECT_EQ(settings.rest_address, "127.0.0.1:8997");
  EXPECT_THAT(settings.devices, ElementsAre("cpu"));
}

TEST(SettingsTest, TakesFlags) {
  const Settings settings = ParseWell({"--model", "/models/real/", "--devices", "cpu,cuda:1",
                                       "--queue-capacity=7", "--log-format", "text"});

  EXPECT_EQ(settings.model, "/models/real/");
  EXPECT_THAT(settings.devices, ElementsAre("cpu", "cuda:1"));
  EXPECT_EQ(settings.queue_capacity, 7U);
  EXPECT_EQ(settings.log_form, LogForm::kText);
}

TEST(SettingsTest, LetsTheLastOfARepeatedFlagWin) {
  EXPECT_EQ(ParseWell({"--max-batch", "2", "--max-batch", "3"}).max_batch, 3U);
}

TEST(SettingsTest, KeepsJobsInMemoryForAnHourUnlessTold) {
  const Settings silent = ParseWell({});
  const Settings told = ParseWell(
      {"--job-dir", "/jobs", "--job-ttl-seconds", "60", "--job-mib", "5", "--max-jobs", "7"});

  EXPECT_EQ(silent.job_dir, "");
  EXPECT_EQ(silent.job_ttl_seconds, 3600);
  EXPECT_EQ(told.job_dir, "/jobs");
  EXPECT_EQ(told.job_ttl_seconds, 60);
  EXPECT_EQ(told.job_mib, 5U);
  EXPECT_EQ(told.max_jobs, 7U);
}

TEST(SettingsTest, TakesADeviceTwiceForTwoReplicas) {
  EXPECT_THAT(ParseWell({"--devices=cpu,cpu"}).devices, ElementsAre("cpu", "cpu"));
}

TEST(SettingsTest, TakesOriginsOfWebPages) {
  EXPECT_THAT(ParseWell({}).cors_origins, ElementsAre("*"));
  EXPECT_THAT(ParseWell({"--cors-origins", "https://a,https://b:81"}).cors_origins,
              ElementsAre("https://a", "https://b:81"));
  EXPECT_EQ(ParseWell({"--cors-origins=none", "--rest-address=127.0.0.1:1"}).rest_address,
            "127.0.0.1:1");
}

TEST(SettingsTest, RestSpeaksTlsAsGrpcDoesUnlessTold) {
  EXPECT_TRUE(ParseWell({}).rest_tls);
  EXPECT_TRUE(ParseWell({"--rest-tls=auto"}).rest_tls);
  EXPECT_FALSE(ParseWell({"--rest-tls=off"}).rest_tls);
}

TEST(SettingsTest, RefusesWhatIsNoOrigin) {
  const EarlyExit exit = ParseBadly({"--cors-origins", "shop.example"});

  EXPECT_EQ(exit.code, 2);
  EXPECT_THAT(exit.text, HasSubstr("--cors-origins: 'shop.example' is no origin"));
}

TEST(SettingsTest, TracesToACollectorIfThereIsOne) {
  EXPECT_EQ(ParseWell({}).otlp_endpoint, "");
  EXPECT_EQ(ParseWell({"--otlp-endpoint=collector:4317"}).otlp_endpoint, "collector:4317");
  EXPECT_EQ(ParseWell({"--trace-sample-ratio=0.1"}).trace_sample_ratio, 0.1);
  EXPECT_EQ(ParseWell({"--otlp-endpoint=[::1]:4317"}).otlp_endpoint, "[::1]:4317");
  EXPECT_THAT(ParseBadly({"--otlp-endpoint=http://collector:4317"}).text,
              HasSubstr("--otlp-endpoint: 'http://collector:4317' given; host:port is wanted"));
  for (const char* wrong :
       {"--otlp-endpoint=:4317", "--otlp-endpoint=host:0", "--otlp-endpoint=a b:1",
        "--otlp-endpoint=::1:1", "--trace-sample-ratio=1.5", "--trace-sample-ratio=nan"}) {
    EXPECT_EQ(ParseBadly({wrong}).code, 2) << wrong;
  }
}

TEST(SettingsTest, TakesWaysOfBatching) {
  EXPECT_EQ(ParseWell({}).batching, Batching::kFill);
  EXPECT_EQ(ParseWell({"--batching=same_prompt"}).batching, Batching::kSamePrompt);
  EXPECT_EQ(ParseWell({"--batching", "none"}).batching, Batching::kNone);
  EXPECT_EQ(ParseWell({"--batching", "none", "--batching", "fill"}).batching, Batching::kFill);
}

TEST(SettingsTest, TakesPartsOfSeconds) {
  EXPECT_EQ(ParseWell({}).warm_up_seconds, 0.3);
  EXPECT_EQ(ParseWell({"--warm-up-seconds=2.5"}).warm_up_seconds, 2.5);
}

TEST(SettingsTest, NamesTheModelAfterItsFolder) {
  EXPECT_EQ(ParseWell({"--model", "/models/real"}).model_name, "real");
  EXPECT_EQ(ParseWell({"--model", "/models/real/"}).model_name, "real");
  EXPECT_EQ(ParseWell({"--model", "x", "--model-name", "upscaler"}).model_name, "upscaler");
}

TEST(SettingsTest, TakesVariablesAndLetsFlagsWin) {
  setenv("UPSCALER_QUEUE_CAPACITY", "9", /*overwrite=*/1);

  EXPECT_EQ(ParseWell({}).queue_capacity, 9U);
  EXPECT_EQ(ParseWell({"--queue-capacity", "3"}).queue_capacity, 3U);

  unsetenv("UPSCALER_QUEUE_CAPACITY");
}

TEST(SettingsTest, TakesAFile) {
  const std::string file = ::testing::TempDir() + "upscaler-settings.toml";
  std::ofstream(file) << "queue-capacity = 11\nmodel-name = \"filed\"\n";

  const Settings settings = ParseWell({"--config", file.c_str()});

  EXPECT_EQ(settings.queue_capacity, 11U);
  EXPECT_EQ(settings.model_name, "filed");
}

TEST(SettingsTest, RefusesAFileWithASettingThatItDoesNotKnow) {
  const std::string file = ::testing::TempDir() + "upscaler-mistyped.toml";
  std::ofstream(file) << "queue-capacitty = 11\n";

  EXPECT_EQ(ParseBadly({"--config", file.c_str()}).code, 2);
}

TEST(SettingsTest, RefusesWhatItDoesNotKnowAndSaysWhatIsAllowed) {
  EXPECT_EQ(ParseBadly({"--no-such-flag"}).code, 2);
  EXPECT_THAT(ParseBadly({"--queue-capacity", "0"}).text, HasSubstr("--queue-capacity"));
  EXPECT_THAT(ParseBadly({"--dtype", "int8"}).text, HasSubstr("float16"));
  EXPECT_THAT(ParseBadly({"--batching", "all"}).text, HasSubstr("same_prompt"));
  EXPECT_EQ(ParseBadly({"--max-batch", "65"}).code, 2);
  EXPECT_EQ(ParseBadly({"--warm-up-seconds", "-1"}).code, 2);
}

TEST(SettingsTest, LetsEverybodyCallWithoutTlsByDefault) {
  const Settings settings = ParseWell({});

  EXPECT_EQ(settings.api_keys_file, "");
  EXPECT_EQ(settings.key_requests_per_minute, 0);
  EXPECT_EQ(settings.key_concurrent_calls, 0);
  EXPECT_EQ(settings.tls_cert, "");
  EXPECT_EQ(settings.grpc_memory_mib, 512U);
}

TEST(SettingsTest, TakesWhoMayCallAndHow) {
  const Settings settings =
      ParseWell({"--api-keys-file=keys", "--key-requests-per-minute=60", "--key-concurrent-calls=4",
                 "--tls-cert=server.pem", "--tls-key=server.key", "--tls-client-ca=clients.pem",
                 "--grpc-memory-mib=256"});

  EXPECT_EQ(settings.api_keys_file, "keys");
  EXPECT_EQ(settings.key_requests_per_minute, 60);
  EXPECT_EQ(settings.key_concurrent_calls, 4);
  EXPECT_EQ(settings.tls_cert, "server.pem");
  EXPECT_EQ(settings.tls_key, "server.key");
  EXPECT_EQ(settings.tls_client_ca, "clients.pem");
  EXPECT_EQ(settings.grpc_memory_mib, 256U);
}

TEST(SettingsTest, RefusesSettingsThatNeedOthersAndSaysWhich) {
  const struct {
    std::vector<const char*> given;
    const char* needed;
  } cases[] = {
      {{"--tls-cert=server.pem"}, "--tls-key"},
      {{"--tls-key=server.key"}, "--tls-cert"},
      {{"--tls-client-ca=clients.pem"}, "--tls-cert"},
      {{"--uploads-mib=31"}, "--max-upload-mib"},
      {{"--key-requests-per-minute=60"}, "--api-keys-file"},
      {{"--key-concurrent-calls=4"}, "--api-keys-file"},
  };
  for (const auto& [given, needed] : cases) {
    const EarlyExit exit = ParseBadly(given);
    EXPECT_EQ(exit.code, 2);
    EXPECT_THAT(exit.text, HasSubstr(needed));
  }
  EXPECT_EQ(ParseBadly({"--grpc-memory-mib=127"}).code, 2);
  EXPECT_EQ(ParseBadly({"--key-requests-per-minute=-1", "--api-keys-file=keys"}).code, 2);
}

TEST(SettingsTest, TakesPicturesOfUpTo1024Mib) {
  EXPECT_EQ(ParseWell({}).max_upload_mib, 32U);
  EXPECT_EQ(ParseWell({"--max-upload-mib=1024", "--uploads-mib=2048"}).max_upload_mib, 1024U);
  EXPECT_EQ(ParseBadly({"--max-upload-mib=1025", "--uploads-mib=2048"}).code, 2);
  EXPECT_EQ(ParseBadly({"--max-upload-mib=0"}).code, 2);
}

TEST(SettingsTest, GivesRequestsOfRestAsLongAsItIsTold) {
  EXPECT_EQ(ParseWell({}).rest_request_seconds, 600);
  EXPECT_EQ(ParseWell({"--rest-request-seconds=7200"}).rest_request_seconds, 7200);
  EXPECT_EQ(ParseBadly({"--rest-request-seconds=0"}).code, 2);
}

TEST(SettingsTest, HelpAndVersionAreNoMistakes) {
  const EarlyExit help = ParseBadly({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.text, HasSubstr("Exit codes"));
  EXPECT_THAT(help.text, HasSubstr("UPSCALER_QUEUE_CAPACITY"));

  const EarlyExit version = ParseBadly({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.text, HasSubstr("upscaler-server "));
}

}  // namespace
}  // namespace upscaler
