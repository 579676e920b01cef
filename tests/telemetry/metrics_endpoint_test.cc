#include "telemetry/metrics_endpoint.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The whole answer to GET `path` from this machine's `port`; empty when nobody
// answers.
std::string Get(int port, std::string_view path) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const auto request = fmt::format("GET {} HTTP/1.0\r\n\r\n", path);
    send(connection, request.data(), request.size(), MSG_NOSIGNAL);
    std::array<char, 4096> part{};
    for (ssize_t n = 1; n > 0;) {
      n = recv(connection, part.data(), part.size(), 0);
      if (n > 0) answer.append(part.data(), static_cast<std::size_t>(n));
    }
  }
  close(connection);
  return answer;
}

class MetricsEndpointTest : public ::testing::Test {
 protected:
  Metrics metrics_{
      {}, [] { return ServiceLoad{.waiting_rows = 5}; }, std::chrono::system_clock::now};
};

TEST_F(MetricsEndpointTest, ServesTheMetricsAtAPortThatTheSystemChooses) {
  const auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", metrics_);
  ASSERT_THAT(endpoint, IsOk());

  const std::string answer = Get((*endpoint)->port(), "/metrics");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(answer, HasSubstr("\nupscaler_queue_depth 5\n"));
}

TEST_F(MetricsEndpointTest, ServesNothingElse) {
  const auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", metrics_);
  ASSERT_THAT(endpoint, IsOk());

  EXPECT_THAT(Get((*endpoint)->port(), "/etc/passwd"), HasSubstr("404"));
}

TEST_F(MetricsEndpointTest, SaysThatAPortIsTaken) {
  const auto first = MetricsEndpoint::Start("127.0.0.1:0", metrics_);
  ASSERT_THAT(first, IsOk());
  const auto address = fmt::format("127.0.0.1:{}", (*first)->port());

  const auto second = MetricsEndpoint::Start(address, metrics_);

  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

TEST_F(MetricsEndpointTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "here", "127.0.0.1", "127.0.0.1:", "0", "127.0.0.1:70000",
                              "127.0.0.1:-1", "127.0.0.1:0,127.0.0.1:0", "127.0.0.1:0s"}) {
    EXPECT_THAT(MetricsEndpoint::Start(address, metrics_),
                StatusIs(absl::StatusCode::kFailedPrecondition))
        << address;
  }
}

TEST_F(MetricsEndpointTest, FreesThePortAtTheEnd) {
  int port = 0;
  {
    const auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", metrics_);
    ASSERT_THAT(endpoint, IsOk());
    port = (*endpoint)->port();
  }

  EXPECT_EQ(Get(port, "/metrics"), "");
}

}  // namespace
}  // namespace upscaler
