// The house around engines without a model. What it does when clients come is tested from
// outside, in tests/integration.

#include "server/server.h"

#include <cstddef>
#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;

class ServerTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Server>> Open() {
    return Server::Open(settings_, clock_, logger_);
  }

  // The port that was logged under this name.
  std::string PortInLog(const std::string& name) const {
    const std::string log = log_text_.str();
    const std::size_t start = log.find(name + "=") + name.size() + 1;
    return log.substr(start, log.find_first_not_of("0123456789", start) - start);
  }

  Settings settings_{.devices = {"cpu", "cpu"},
                     .warm_up_seconds = 0,
                     .grpc_address = "127.0.0.1:0",
                     .rest_address = "127.0.0.1:0",
                     .admin_address = "127.0.0.1:0"};
  const SteadyClock clock_{};
  test::EngineScript script_;
  test::DelayEngines engines_{script_};
  std::ostringstream log_text_;
  Logger logger_{LogForm::kText, log_text_};
};

TEST_F(ServerTest, LoadsAndDrains) {
  const auto server = Open();
  ASSERT_THAT(server, IsOk());

  EXPECT_THAT((*server)->Load(engines_), IsOk());
  EXPECT_THAT((*server)->Drain(), IsOk());

  EXPECT_THAT(log_text_.str(), HasSubstr("drained"));
}

TEST_F(ServerTest, EndsWithoutADrain) {
  const auto server = Open();
  ASSERT_THAT(server, IsOk());

  EXPECT_THAT((*server)->Load(engines_), IsOk());
}

TEST_F(ServerTest, EndsWithoutEverHavingLoaded) { EXPECT_THAT(Open(), IsOk()); }

TEST_F(ServerTest, SaysWhichDoorItCannotOpen) {
  const auto first = Open();
  ASSERT_THAT(first, IsOk());
  settings_.rest_address = "127.0.0.1:" + PortInLog("rest_port");

  const absl::Status opened = Open().status();

  EXPECT_THAT(opened, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(opened.message()), HasSubstr(settings_.rest_address));
}

TEST_F(ServerTest, DoesNotLoadWithoutItsEngines) {
  engines_.FailMake(absl::FailedPreconditionError("there is no such device"));
  const auto server = Open();
  ASSERT_THAT(server, IsOk());

  EXPECT_THAT((*server)->Load(engines_), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler
