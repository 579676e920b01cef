#include "gateway/job_wish.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::StatusIs;
using ::testing::Optional;

TEST(JobWishTest, KnowsWhoWantsNoJob) {
  const JobWish wish = ReadJobWish({{"Prefer", "handling=lenient"}}).value();

  EXPECT_FALSE(wish.any());
}

TEST(JobWishTest, KnowsWhoWantsTheJobForAnAnswer) {
  for (const char* value : {"respond-async", "Respond-Async", "respond-async; wait=5",
                            "handling=lenient , respond-async"}) {
    EXPECT_TRUE(ReadJobWish({{"prefer", value}}).value().respond_async) << value;
  }
  EXPECT_FALSE(ReadJobWish({{"Prefer", "respond-asynchronously"}}).value().respond_async);
}

TEST(JobWishTest, ReadsTheSecondPreferToo) {
  EXPECT_TRUE(
      ReadJobWish({{"Prefer", "wait=5"}, {"Prefer", "respond-async"}}).value().respond_async);
}

TEST(JobWishTest, TakesTheKeyAsItIs) {
  for (const std::string& key :
       {std::string("a"), std::string("\"8e03-x\""), std::string(128, '~')}) {
    const JobWish wish = ReadJobWish({{"idempotency-key", key}}).value();
    EXPECT_EQ(wish.key, key);
    EXPECT_TRUE(wish.any());
    EXPECT_FALSE(wish.respond_async);
  }
}

TEST(JobWishTest, RefusesWhatIsNoKey) {
  for (const std::string& key :
       {std::string(), std::string("a b"), std::string("\xC3\xA4"), std::string(129, 'a')}) {
    const absl::Status status = ReadJobWish({{"Idempotency-Key", key}}).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument)) << key;
    EXPECT_THAT(FieldOf(status), Optional(std::string("Idempotency-Key")));
  }
}

TEST(JobWishTest, RefusesTwoKeys) {
  EXPECT_THAT(ReadJobWish({{"Idempotency-Key", "a"}, {"Idempotency-Key", "a"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace upscaler
