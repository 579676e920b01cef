#include "gateway/program/backend_address.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(CheckAddressesTest, TakesServersOneByOneOrOneNameForAll) {
  for (const std::vector<std::string>& good :
       {std::vector<std::string>{"upscaler:8998"},
        {"10.0.0.1:8998", "[::1]:8998", "upscaler-0.upscaler:8998"},
        {"dns:///upscaler-headless:8998"}}) {
    EXPECT_THAT(CheckAddresses(good), IsOk()) << good.front();
  }
}

TEST(CheckAddressesTest, RefusesWhatIsNeither) {
  for (const char* bad : {"", "upscaler", ":8998", "upscaler:0", "upscaler:99999", "a/b:1",
                          "http://upscaler:8998", "::1:8998", "unix:/run/socket"}) {
    EXPECT_THAT(CheckAddresses({bad}), StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
  EXPECT_THAT(CheckAddresses({}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CheckAddressesTest, RefusesANameForAllBesideOthers) {
  EXPECT_THAT(CheckAddresses({"a:1", "dns:///b:2"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(BalancedTargetTest, PutsAddressesTogether) {
  EXPECT_EQ(*BalancedTarget({"10.0.0.1:8998", "10.0.0.2:8999"}),
            "ipv4:10.0.0.1:8998,10.0.0.2:8999");
}

TEST(BalancedTargetTest, PutsAddressesOfBothKindsTogether) {
  EXPECT_EQ(*BalancedTarget({"10.0.0.1:8998", "[::1]:8999"}),
            "ipv6:[::ffff:10.0.0.1]:8998,[::1]:8999");
}

TEST(BalancedTargetTest, LooksUpNames) {
  const auto target = BalancedTarget({"localhost:8998", "127.0.0.2:8998"});

  ASSERT_THAT(target, IsOk());
  EXPECT_THAT(*target, AnyOf(HasSubstr("127.0.0.1"), HasSubstr("::1")));
}

TEST(BalancedTargetTest, NamesAHostThatIsNotFound) {
  // No such name can exist.
  const auto target = BalancedTarget({"no-such-host.invalid:8998"});

  EXPECT_THAT(target, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_NE(target.status().message().find("no-such-host.invalid"), absl::string_view::npos);
}

TEST(ConnectBackendsTest, KnowsServersOneByOne) {
  const auto backends = ConnectBackends({"127.0.0.1:1", "127.0.0.1:2"}, {});

  ASSERT_THAT(backends, IsOk());
  EXPECT_THAT((*backends)->homes(), SizeIs(2));
}

TEST(ConnectBackendsTest, KnowsNoHomesBehindOneName) {
  const auto backends = ConnectBackends({"dns:///localhost:1"}, {});

  ASSERT_THAT(backends, IsOk());
  EXPECT_THAT((*backends)->homes(), SizeIs(0));
}

TEST(ConnectBackendsTest, NamesAFileThatIsNotThere) {
  EXPECT_THAT(ConnectBackends({"127.0.0.1:1"}, {.tls = true, .ca_file = "/no/such/file"}),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace upscaler
