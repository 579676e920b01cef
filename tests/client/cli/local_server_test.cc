// A shell script stands for the server.

#include "client/cli/local_server.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <optional>
#include <stop_token>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

class LocalServerTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<LocalServer>> Start(
      const std::string& script, const std::stop_token& stop = {},
      std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    const std::string path = folder_.Write("server", "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return LocalServer::Start({.program = path, .model = "some/model", .timeout = timeout}, clock_,
                              stop);
  }

  test::TemporaryFolder folder_;
  const SteadyClock clock_{};
};

TEST_F(LocalServerTest, IsReadyWhenItsLogSaysSo) {
  const auto server = Start(
      "echo starting >&2\n"
      R"(echo '{"message":"loading","grpc_port":7}' >&2)"
      "\n"
      R"(echo '{"message":"ready","grpc_port":4321}' >&2)"
      "\nexec sleep 1000\n");

  ASSERT_THAT(server, IsOk());
  EXPECT_EQ((*server)->target(), "127.0.0.1:4321");
}

TEST_F(LocalServerTest, TellsTheServerWhereToListenAndWhatToServe) {
  const auto server = Start("echo \"$*\" > '" + folder_.Path("arguments") +
                            "'\n"
                            R"(echo '{"message":"ready","grpc_port":1}' >&2)"
                            "\nexec sleep 1000\n");

  ASSERT_THAT(server, IsOk());
  const std::string arguments = folder_.Read("arguments");
  EXPECT_THAT(arguments, HasSubstr("--grpc-address=127.0.0.1:0"));
  EXPECT_THAT(arguments, HasSubstr("--rest-address=127.0.0.1:0"));
  EXPECT_THAT(arguments, HasSubstr("--admin-address=127.0.0.1:0"));
  EXPECT_THAT(arguments, HasSubstr("--model=some/model"));
}

TEST_F(LocalServerTest, KeepsOtherServersSettingsFromTheServer) {
  ::setenv("UPSCALER_API_KEYS_FILE", "keys", 1);

  const auto server = Start("env > '" + folder_.Path("environment") +
                            "'\n"
                            R"(echo '{"message":"ready","grpc_port":1}' >&2)"
                            "\nexec sleep 1000\n");

  ::unsetenv("UPSCALER_API_KEYS_FILE");
  ASSERT_THAT(server, IsOk());
  const std::string environment = folder_.Read("environment");
  EXPECT_THAT(environment, Not(HasSubstr("UPSCALER_API_KEYS_FILE")));
  EXPECT_THAT(environment, HasSubstr("PATH="));
}

TEST_F(LocalServerTest, EndsTheServer) {
  auto server = Start("echo $$ > '" + folder_.Path("pid") +
                      "'\n"
                      R"(echo '{"message":"ready","grpc_port":1}' >&2)"
                      "\nexec sleep 1000\n");
  ASSERT_THAT(server, IsOk());
  const pid_t pid = std::stoi(folder_.Read("pid"));
  ASSERT_EQ(::kill(pid, 0), 0);

  server->reset();

  EXPECT_NE(::kill(pid, 0), 0);
}

// Returns once `server` has ended by itself.
void AwaitEnd(const LocalServer& server) {
  std::promise<void> ended;
  const std::stop_callback on_end(server.ended(), [&ended] { ended.set_value(); });
  ended.get_future().wait();
}

TEST_F(LocalServerTest, NoticesThatTheServerWasKilled) {
  const auto server = Start(R"(echo '{"message":"ready","grpc_port":1}' >&2
    kill -9 $$)");
  ASSERT_THAT(server, IsOk());

  AwaitEnd(**server);

  EXPECT_EQ((*server)->End().message(),
            "the local server has ended, by signal 9; it said last: ready");
}

TEST_F(LocalServerTest, NoticesThatTheServerGaveUp) {
  const auto server = Start(R"(echo '{"message":"ready","grpc_port":1}' >&2
    echo '{"message":"cannot go on","error":"no memory"}' >&2; exit 3)");
  ASSERT_THAT(server, IsOk());

  AwaitEnd(**server);

  EXPECT_EQ(
      (*server)->End().message(),
      "the local server has ended, with code 3; it said last: ready; cannot go on: no memory");
}

TEST_F(LocalServerTest, TellsTheServersLastWordsWhereItDoesNotStart) {
  const auto server =
      Start(R"(echo '{"message":"cannot start","error":"no model here"}' >&2; exit 1)");

  EXPECT_THAT(server, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("cannot start: no model here"));
}

TEST_F(LocalServerTest, RefusesAProgramThatIsNotThere) {
  const auto server = LocalServer::Start({.program = folder_.Path("missing")}, clock_, {});

  EXPECT_THAT(server, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("cannot be run"));
}

TEST_F(LocalServerTest, GivesUpWhatIsNotReadyInTime) {
  const auto server = Start("trap '' TERM\nexec sleep 1000\n", {}, 1ms);

  EXPECT_THAT(server, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("not ready in time"));
}

TEST_F(LocalServerTest, StopsWaitingWhenItIsTold) {
  std::stop_source stop;
  stop.request_stop();

  EXPECT_THAT(Start("exec sleep 1000\n", stop.get_token()), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace upscaler
