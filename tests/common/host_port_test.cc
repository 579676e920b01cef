#include "common/host_port.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(HostPortTest, SplitsAtTheLastColon) {
  const auto ipv4 = ParseHostPort("127.0.0.1:0");
  const auto ipv6 = ParseHostPort("[::1]:65535");

  ASSERT_TRUE(ipv4.has_value());
  EXPECT_EQ(ipv4->host, "127.0.0.1");
  EXPECT_EQ(ipv4->port, 0);
  ASSERT_TRUE(ipv6.has_value());
  EXPECT_EQ(ipv6->host, "[::1]");
  EXPECT_EQ(ipv6->port, 65535);
}

TEST(HostPortTest, RefusesWhatHasNoPort) {
  for (const char* text : {"", "host", "host:", "host:x", "host:80x", "host:-1", "host:65536"}) {
    EXPECT_FALSE(ParseHostPort(text).has_value()) << text;
  }
}

TEST(HostPortTest, TakesTheBracketsOffAHost) {
  EXPECT_EQ(BareHost("[::1]"), "::1");
  for (const char* bare : {"::1", "127.0.0.1", "localhost", "[::1", "[]", ""}) {
    EXPECT_EQ(BareHost(bare), bare);
  }
}

}  // namespace
}  // namespace upscaler
