#include "server/service/bearer_key.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(BearerKeyTest, IsWhatFollowsTheSchemeInAnyCase) {
  for (const char* header : {"Bearer the-key", "bearer the-key", "BEARER   the-key "}) {
    EXPECT_EQ(BearerKeyIn({{"authorization", header}}), "the-key") << header;
  }
}

TEST(BearerKeyTest, IsTakenFromAHeaderOfItsOwnToo) {
  EXPECT_EQ(BearerKeyIn({{"x-api-key", "the-key"}}), "the-key");
  EXPECT_EQ(BearerKeyIn({{"x-api-key", " the-key "}, {"other", "x"}}), "the-key");
}

TEST(BearerKeyTest, IsTakenFromTheAuthorizationWhereThereAreBoth) {
  EXPECT_EQ(BearerKeyIn({{"x-api-key", "second"}, {"authorization", "Bearer first"}}), "first");
}

TEST(BearerKeyTest, IsNotTakenFromAnotherScheme) {
  for (const char* header : {"Basic dXNlcjpwYXNz", "Bearerthe-key", "Bearers the-key", "the-key",
                             "Bearer", "Bearer ", " ", ""}) {
    EXPECT_EQ(BearerKeyIn({{"authorization", header}}), std::nullopt) << header;
    EXPECT_EQ(BearerKeyIn({{"authorization", header}, {"x-api-key", "other"}}), "other") << header;
  }
}

TEST(BearerKeyTest, IsFoundAmongSeveralAuthorizations) {
  EXPECT_EQ(BearerKeyIn({{"authorization", "Basic x"}, {"authorization", "Bearer the-key"}}),
            "the-key");
}

TEST(BearerKeyTest, IsAbsentWhereNoneWasSent) { EXPECT_EQ(BearerKeyIn({}), std::nullopt); }

}  // namespace
}  // namespace upscaler
