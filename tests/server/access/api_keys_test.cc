#include "server/access/api_keys.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// 16 and 22 characters.
constexpr const char* kKey = "abcdefgh01234567";
constexpr const char* kOtherKey = "3fJ0cM0tJm7m3oUu0QzqTg";
// As the file writes it.
std::string DigestWord(const char* key) {
  const KeyDigest digest = DigestOf(key).value();
  std::string word = "sha256:";
  for (const std::uint8_t byte : digest) word += fmt::format("{:02x}", byte);
  return word;
}

std::string Name(const ApiKey* key) { return key == nullptr ? "nobody" : key->name; }

TEST(ApiKeysTest, FindsWhoseAKeyIs) {
  const auto keys = ApiKeys::Parse(fmt::format("one {}\ntwo {}\n", kKey, kOtherKey), "keys");

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(Name(keys->Find(kKey)), "one");
  EXPECT_EQ(Name(keys->Find(kOtherKey)), "two");
  EXPECT_EQ(Name(keys->Find("abcdefgh01234568")), "nobody");
  EXPECT_EQ(Name(keys->Find("abcdefgh0123456")), "nobody");
  EXPECT_EQ(Name(keys->Find("")), "nobody");
}

TEST(ApiKeysTest, TakesADigestForTheKeyThatItIsOf) {
  const std::string digest = DigestWord(kKey);
  const auto keys = ApiKeys::Parse("one " + digest, "keys");

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(Name(keys->Find(kKey)), "one");
  // Who has read the file has no key by that.
  EXPECT_EQ(Name(keys->Find(digest)), "nobody");
}

TEST(ApiKeysTest, PassesOverCommentsBlankLinesAndSpareBlanks) {
  const auto keys = ApiKeys::Parse(
      fmt::format("# who may call\n\n \t\r\n\tone   {}\t# ours\r\n  # two {}", kKey, kOtherKey),
      "keys");

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->all().size(), 1U);
  EXPECT_EQ(Name(keys->Find(kKey)), "one");
}

TEST(ApiKeysTest, GivesAKeyItsOwnBoundsAndTheDefaultsForTheRest) {
  const auto keys = ApiKeys::Parse(
      fmt::format("one {} concurrent=0 requests_per_minute=60\ntwo {} concurrent=4\n", kKey,
                  kOtherKey),
      "keys");
  const Quota otherwise{.requests_per_minute = 7, .concurrent_calls = 9};

  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->Find(kKey)->QuotaOr(otherwise), (Quota{60, 0}));
  EXPECT_EQ(keys->Find(kOtherKey)->QuotaOr(otherwise), (Quota{7, 4}));
}

TEST(ApiKeysTest, RefusesAMalformedLineAndSaysWhichAndWhy) {
  const struct {
    std::string line;
    const char* complaint;
  } cases[] = {
      {"three", "wanted a name and a key"},
      {"three #bcdefgh012345678", "wanted a name and a key"},
      {"thr/ee SECRETabcdefgh01", "a name is"},
      {std::string(65, 'n') + " SECRETabcdefgh01", "a name is"},
      {"three SECRET678901234", "a key is"},
      {"three SECRETabcdefgh\x7f\x7f", "a key is"},
      {"three SECRETabcdefg\xc3\xa4h", "a key is"},
      {"three SECRET" + std::string(251, 'k'), "a key is"},
      {"three sha256:SECRET", "64 hexadecimal digits"},
      {"three SECRETabcdefgh01 SECRET", "requests_per_minute=N and concurrent=N"},
      {"three SECRETabcdefgh01 concurrent=", "whole number"},
      {"three SECRETabcdefgh01 concurrent=-1", "whole number"},
      {"three SECRETabcdefgh01 concurrent=4x", "whole number"},
      {"three SECRETabcdefgh01 requests_per_minute=1000001", "whole number"},
      {"three SECRETabcdefgh01 concurrent=1 concurrent=1", "twice"},
      {"one SECRETabcdefgh01", "the name appears twice"},
      {fmt::format("three {}", kKey), "the key appears twice"},
  };
  for (const auto& [line, complaint] : cases) {
    const auto keys = ApiKeys::Parse(fmt::format("one {}\n\n{}\n", kKey, line), "/etc/keys");

    ASSERT_THAT(keys, StatusIs(absl::StatusCode::kFailedPrecondition)) << line;
    EXPECT_THAT(std::string(keys.status().message()),
                AllOf(StartsWith("/etc/keys:3: "), HasSubstr(complaint), Not(HasSubstr("SECRET")),
                      Not(HasSubstr(kKey))));
  }
}

TEST(ApiKeysTest, RefusesTheSameKeyAsTextAndAsDigest) {
  EXPECT_THAT(ApiKeys::Parse(fmt::format("one {}\ntwo {}", kKey, DigestWord(kKey)), "keys"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(ApiKeysTest, TakesTheLongestNameAndKey) {
  EXPECT_THAT(ApiKeys::Parse(std::string(64, 'n') + " " + std::string(256, 'k'), "keys"), IsOk());
}

TEST(ApiKeysTest, RefusesAFileWithoutAKey) {
  for (const char* text : {"", "\n", "# none yet\n"}) {
    EXPECT_THAT(ApiKeys::Parse(text, "keys"), StatusIs(absl::StatusCode::kFailedPrecondition));
  }
}

}  // namespace
}  // namespace upscaler
