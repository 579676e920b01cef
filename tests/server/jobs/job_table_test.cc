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
  static std::shared_ptr<Job> Make(const std::string& id, SystemTime create_time,
                                   const std::string& request_id = "",
                                   const std::string& caller = "ann") {
    return std::make_shared<Job>(Job::Origin{.id = id,
                                             .caller = caller,
                                             .request_id = request_id,
                                             .digest = "",
                                             .create_time = create_time},
                                 v1::UpscaleSpec());
  }
  std::shared_ptr<Job> Add(const std::string& id, const std::string& request_id = "",
                           const std::string& caller = "ann") {
    auto job = Make(id, table_.CreateTime(kNow), request_id, caller);
    EXPECT_TRUE(table_.Add(job));
    return job;
  }
  std::shared_ptr<Job> AddEnded(const std::string& id, const std::string& caller,
                                std::int64_t bytes = 0) {
    auto job = Add(id, /*request_id=*/"", caller);
    table_.Charge(*job, bytes);
    table_.MarkEnded(*job, kNow + 1h);
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

TEST_F(JobTableTest, RemembersWhoseJobsItHasRetired) {
  const auto retired = Add("1");
  const auto removed = Add("2");
  const auto expired = AddEnded("3", "ann");

  table_.Retire(*retired);
  table_.Remove(*removed);
  ASSERT_THAT(table_.TakeExpired(kNow + 2h), ElementsAre(expired));

  EXPECT_TRUE(table_.IsRetired("ann", "1"));
  EXPECT_FALSE(table_.IsRetired("bob", "1"));
  EXPECT_FALSE(table_.IsRetired("ann", "2"));
  EXPECT_TRUE(table_.IsRetired("ann", "3"));
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

TEST_F(JobTableTest, TakesFromTheCallerWhoHasMostBytes) {
  const auto modest = AddEnded("1", "bob", 10);
  const auto first = AddEnded("2", "ann", 50);
  const auto second = AddEnded("3", "ann", 45);
  AddEnded("4", "bob", 5);
  AddEnded("5", "bob", 5);

  EXPECT_THAT(table_.TakeBeyond(/*jobs=*/10), ElementsAre(first));
  EXPECT_TRUE(table_.Contains(*modest));
}

TEST_F(JobTableTest, TakesFromTheCallerWhoHasMostJobs) {
  AddEnded("1", "bob", 90);
  const auto first = AddEnded("2", "ann");
  const auto second = AddEnded("3", "ann");
  const auto third = AddEnded("4", "ann");

  EXPECT_THAT(table_.TakeBeyond(/*jobs=*/2), ElementsAre(first, second));
}

TEST_F(JobTableTest, GivesNoTimeTwiceThoughTheClockIsPutBackAndTheNewestJobHasGone) {
  const auto gone = Add("1");
  table_.Remove(*gone);

  const auto next = Add("2");

  EXPECT_GT(next->origin().create_time, gone->origin().create_time);
  EXPECT_GT(table_.CreateTime(kNow - 1h), next->origin().create_time);
  const SystemTime tomorrow = kNow + 24h;
  const auto revived = Make("3", tomorrow);
  table_.Add(revived);
  table_.Remove(*revived);
  EXPECT_GT(table_.CreateTime(kNow), tomorrow);
}

TEST_F(JobTableTest, DoesNotTakeAJobThatIsNotHereForAnotherOfTheSameTime) {
  const auto here = Add("1", "mine");
  const auto stranger = Make("2", here->origin().create_time, "mine");

  EXPECT_FALSE(table_.Add(stranger));
  table_.Charge(*stranger, 60);
  table_.MarkEnded(*stranger, kNow);
  table_.FreeRequestId(*stranger);
  table_.Remove(*stranger);

  EXPECT_FALSE(table_.Contains(*stranger));
  EXPECT_EQ(table_.Find("ann", "2"), nullptr);
  EXPECT_EQ(table_.FindRequest("ann", "mine"), here);
  EXPECT_EQ(table_.bytes(), 0);
  EXPECT_THAT(table_.TakeExpired(kNow + 1h), IsEmpty());
  EXPECT_TRUE(table_.Contains(*here));
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
