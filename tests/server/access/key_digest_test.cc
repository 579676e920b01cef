#include "server/access/key_digest.h"

#include <cctype>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

// The first example of FIPS 180-2.
constexpr const char* kDigestOfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(KeyDigestTest, IsSha256) {
  EXPECT_EQ(DigestOf("abc"), ParseDigest(kDigestOfAbc));
  EXPECT_NE(DigestOf("abd"), ParseDigest(kDigestOfAbc));
}

TEST(KeyDigestTest, IsReadInEitherCase) {
  std::string capitals = kDigestOfAbc;
  for (char& c : capitals) c = static_cast<char>(std::toupper(c));

  EXPECT_TRUE(ParseDigest(capitals).has_value());
  EXPECT_EQ(ParseDigest(capitals), ParseDigest(kDigestOfAbc));
}

TEST(KeyDigestTest, IsNotReadFromAnythingElse) {
  const std::string good = kDigestOfAbc;

  for (const std::string& bad :
       {std::string(), good.substr(1), good + "0", good.substr(1) + "g",
        fmt::format("g{}", good.substr(1)), fmt::format("-{}", good.substr(1)),
        fmt::format("0x{}", good.substr(2))}) {
    EXPECT_FALSE(ParseDigest(bad).has_value()) << bad;
  }
}

TEST(KeyDigestTest, DiffersWhereverAByteDoes) {
  const KeyDigest digest = ParseDigest(kDigestOfAbc).value();

  EXPECT_TRUE(SameDigest(digest, digest));
  for (std::size_t i = 0; i < digest.size(); ++i) {
    KeyDigest other = digest;
    other[i] ^= 1;
    EXPECT_FALSE(SameDigest(digest, other)) << i;
  }
}

}  // namespace
}  // namespace upscaler
