#include "gateway/api_key.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(ApiKeyTest, ReadsEitherHeader) {
  EXPECT_EQ(ApiKeyOf({{"Authorization", "Bearer abc"}}), "abc");
  EXPECT_EQ(ApiKeyOf({{"authorization", "bEARER   abc "}}), "abc");
  EXPECT_EQ(ApiKeyOf({{"X-API-Key", "abc"}}), "abc");
  EXPECT_EQ(ApiKeyOf({{"Authorization", "Basic abc"}, {"X-API-Key", "def"}}), "def");
}

TEST(ApiKeyTest, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(ApiKeyOf({}), "");
  EXPECT_EQ(ApiKeyOf({{"Authorization", "Basic abc"}}), "");
  EXPECT_EQ(ApiKeyOf({{"Authorization", "Bearer"}}), "");
}

TEST(ApiKeyTest, AKeyThatCannotBePassedOnIsNobodys) {
  EXPECT_EQ(ApiKeyOf({{"Authorization", "Bearer a\tb"}}), "?");
  EXPECT_EQ(ApiKeyOf({{"X-API-Key", "k\xc3\xa4se"}}), "?");
}

}  // namespace
}  // namespace upscaler
