#include "gateway/entity_tag.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(EntityTagTest, KnowsWhoHasTheBodyAlready) {
  for (const char* known : {R"("a")", R"(W/"a")", R"("b", "a")", R"("b",W/"a")", "*"}) {
    EXPECT_TRUE(HasAlready({{"If-None-Match", known}}, R"("a")")) << known;
  }
  for (const char* known : {"", "a", R"("b")", R"("A")"}) {
    EXPECT_FALSE(HasAlready({{"If-None-Match", known}}, R"("a")")) << known;
  }
  EXPECT_FALSE(HasAlready({}, R"("a")"));
}

TEST(EntityTagTest, GivesRangesOfTheBodyThatIsMeantAlone) {
  EXPECT_TRUE(MayGiveRange({}, R"("a")"));
  EXPECT_TRUE(MayGiveRange({{"If-Range", R"("a")"}}, R"("a")"));
  for (const char* condition : {R"("b")", R"(W/"a")", "Sat, 29 Oct 1994 19:43:31 GMT"}) {
    EXPECT_FALSE(MayGiveRange({{"If-Range", condition}}, R"("a")")) << condition;
  }
}

}  // namespace
}  // namespace upscaler
