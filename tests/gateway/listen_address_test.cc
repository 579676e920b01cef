#include "gateway/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;

TEST(ListenAddressTest, TakesNumericHostsAndLocalhost) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:80", "localhost:80"}) {
    const absl::StatusOr<ListenAddress> address = ListenAddress::Parse(text);
    ASSERT_THAT(address, IsOk()) << text;
    EXPECT_FALSE(address->is_ipv6()) << text;
    EXPECT_EQ(address->port(), 80) << text;
  }
}

TEST(ListenAddressTest, TakesIpv6InBrackets) {
  const absl::StatusOr<ListenAddress> address = ListenAddress::Parse("[::1]:65535");

  ASSERT_THAT(address, IsOk());
  EXPECT_TRUE(address->is_ipv6());
  EXPECT_EQ(address->port(), 65535);
}

TEST(ListenAddressTest, RefusesEverythingElse) {
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "example.org:80", "[127.0.0.1:80", ":80"}) {
    EXPECT_THAT(ListenAddress::Parse(text), StatusIs(absl::StatusCode::kFailedPrecondition))
        << text;
  }
}

}  // namespace
}  // namespace upscaler
