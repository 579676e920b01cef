#include "telemetry/request_id.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::MatchesRegex;
using ::testing::SizeIs;

TEST(MakeRequestIdTest, MakesThirtyTwoHexadecimalDigits) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(MakeRequestId(), MatchesRegex("[0-9a-f]+"));
    EXPECT_THAT(MakeRequestId(), SizeIs(32));
  }
}

TEST(MakeRequestIdTest, NeverMakesTheSameTwice) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(MakeRequestId());

  EXPECT_THAT(ids, SizeIs(1000));
}

TEST(IsRequestIdTest, AcceptsLettersDigitsAndThreeMarks) {
  EXPECT_TRUE(IsRequestId("a"));
  EXPECT_TRUE(IsRequestId("Az09._-"));
  EXPECT_TRUE(IsRequestId(std::string(128, 'x')));
}

TEST(IsRequestIdTest, RefusesEverythingElse) {
  EXPECT_FALSE(IsRequestId(""));
  EXPECT_FALSE(IsRequestId(std::string(129, 'x')));
  EXPECT_FALSE(IsRequestId("a b"));
  EXPECT_FALSE(IsRequestId("a\nb"));
  EXPECT_FALSE(IsRequestId("a/b"));
  EXPECT_FALSE(IsRequestId("\xc3\xa9"));
  EXPECT_FALSE(IsRequestId(std::string("a\0b", 3)));
}

TEST(RequestIdFromTest, KeepsAClientsIdOrMakesOne) {
  EXPECT_EQ(RequestIdFrom("order-66"), "order-66");
  EXPECT_THAT(RequestIdFrom(""), SizeIs(32));
  EXPECT_THAT(RequestIdFrom("not an id"), SizeIs(32));
}

}  // namespace
}  // namespace upscaler
