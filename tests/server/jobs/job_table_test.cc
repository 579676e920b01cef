#include "server/jobs/job_table.h"

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobTableTest : public ::testing::Test {
 protected:
  std::shared_ptr<Job> Add(const std::string& id, const std::string& request_id = "") {
    auto job = std::make_shared<Job>(Job::Origin{.id = id,
                                                 .caller = "ann",
                                                 .request_id = request_id,
                                                 .digest = "",
                                                 .create_time = table_.CreateTime(kNow)},
                                     v1::UpscaleSpec());
    table_.Add(job);
    return job;
  }

  static constexpr SystemTime kNow{1000s};
  JobTable table_{{.jobs = 10, .bytes = 100}};
};

TEST_F(JobTableTest, FindsJobsOfTheirCallerAlone) {
  const auto job = Add("1", "mine");

  EXPECT_EQ(table_.Find("ann", "1"), job);
  EXPECT_EQ(table_.FindRequest("ann", "mine"), job);
  EXPECT_EQ(table_.Find("bob", "1"), nullptr);
  EXPECT_EQ(table_.FindRequest("bob", "mine"), nullptr);
  EXPECT_THAT(table_.NewestFirst("bob", SystemTime::max()), IsEmpty());
}

TEST_F(JobTableTest, ListsTheNewestFirstThoughTheClockStandsStill) {
  const auto first = Add("1");
  const auto second = Add("2");
  const auto third = Add("3");

  EXPECT_THAT(table_.NewestFirst("ann", SystemTime::max()), ElementsAre(third, second, first));
  EXPECT_THAT(table_.NewestFirst("ann", second->origin().create_time), ElementsAre(first));
}

TEST_F(JobTableTest, TakesThoseThatEndedFirstWhenThereAreTooManyBytes) {
  const auto running = Add("1");
  const auto late = Add("2");
  const auto early = Add("3");
  table_.Charge(*early, 60);
  table_.MarkEnded(*early, kNow + 1h);
  table_.Charge(*late, 60);
  table_.MarkEnded(*late, kNow + 1h);

  EXPECT_THAT(table_.TakeBeyond(/*jobs=*/10), ElementsAre(early));
  EXPECT_EQ(table_.bytes(), 60);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(JobTableTest, TakesThoseThatEndedFirstWhenThereAreTooMany) {
  const auto running = Add("1");
  const auto ended = Add("2");
  table_.MarkEnded(*ended, kNow + 1h);

  EXPECT_THAT(table_.TakeBeyond(/*jobs=*/2), IsEmpty());
  EXPECT_THAT(table_.TakeBeyond(/*jobs=*/0), ElementsAre(ended));
  EXPECT_TRUE(table_.Contains(*running));
}

TEST_F(JobTableTest, TakesThoseWhoseTimeIsOver) {
  const auto running = Add("1");
  const auto brief = Add("2");
  const auto lasting = Add("3");
  table_.MarkEnded(*brief, kNow + 1s);
  table_.MarkEnded(*lasting, kNow + 1h);

  EXPECT_THAT(table_.TakeExpired(kNow), IsEmpty());
  EXPECT_THAT(table_.TakeExpired(kNow + 1s), ElementsAre(brief));
  EXPECT_EQ(table_.Find("ann", "2"), nullptr);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(JobTableTest, LetsTheNewestJobHaveARequestId) {
  const auto old = Add("1", "mine");
  table_.FreeRequestId(*old);
  EXPECT_EQ(table_.FindRequest("ann", "mine"), nullptr);
  const auto anew = Add("2", "mine");

  table_.Remove(*old);

  EXPECT_EQ(table_.FindRequest("ann", "mine"), anew);
}

}  // namespace
}  // namespace upscaler
