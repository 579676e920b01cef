// The store on disk: what a server that starts finds of the one before.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "server/jobs/job_folder.h"
#include "tests/server/jobs/job_store_on_disk.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::AcceptedEvent;
using test::AwaitEnd;
using test::IsOk;
using test::ResultWith;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using ::testing::SizeIs;

using JobStoreRestartTest = test::JobStoreOnDisk;

TEST_F(JobStoreRestartTest, FindsFinishedJobsAsTheyWere) {
  const auto before = Finished({"first", "second"});

  Start();

  const auto after = Find(before).value();
  EXPECT_EQ(after->Record().SerializeAsString(), before->Record().SerializeAsString());
  EXPECT_EQ(Read(after, 0, 0).value(), "first");
  EXPECT_EQ(Read(after, 1, 2).value(), "cond");
  EXPECT_FALSE(
      store_->Create({.caller = "ann", .request_id = "mine", .digest = "asked"}).value().created);
  EXPECT_THAT(store_->Find("bob", before->origin().id), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(JobStoreRestartTest, KeepsPicturesOutOfMemory) {
  EXPECT_EQ(Finished({"picture"})->BytesAt(0), nullptr);
}

TEST_F(JobStoreRestartTest, InterruptsJobsThatHadNotEnded) {
  const auto before = Admitted("mine");
  clock_.Advance(5s);

  Start();

  const auto after = Find(before).value();
  EXPECT_EQ(after->Describe().state(), v1::UPSCALE_JOB_STATE_INTERRUPTED);
  const absl::Status end = *after->After(1).end;
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(ReasonOf(end), Optional(std::string("INTERRUPTED")));
  EXPECT_EQ(FromProto(after->Describe().end_time()), clock_.Now());

  // And so they stay.
  clock_.Advance(5s);
  Start();
  EXPECT_EQ(FromProto(Find(before).value()->Describe().end_time()), clock_.Now() - 5s);
}

TEST_F(JobStoreRestartTest, LetsAnInterruptedJobBeginAnew) {
  const auto before = Admitted("mine");
  Start();

  const auto again =
      store_->Create({.caller = "ann", .request_id = "mine", .digest = "asked"}).value();

  EXPECT_TRUE(again.created);
  EXPECT_NE(again.job->origin().id, before->origin().id);
}

TEST_F(JobStoreRestartTest, DoesNotFindWhatWasRefusedDeletedOrForgotten) {
  const auto deleted = Finished({"picture"});
  EXPECT_THAT(Delete(deleted), IsOk());
  EXPECT_FALSE(std::filesystem::exists(PathOf(deleted)));
  const auto forgotten = Finished({"picture"});
  clock_.Advance(60s);
  store_->Sweep();
  const auto refused = store_->Create({.caller = "ann"}).value().job;
  store_->Refuse(refused, absl::InvalidArgumentError("no picture"));

  Start();

  EXPECT_EQ(store_->kept().jobs, 0U);
  EXPECT_FALSE(std::filesystem::exists(PathOf(forgotten)));
}

TEST_F(JobStoreRestartTest, DoesNotBringADeletedJobBackWhenItsWorkEnds) {
  const auto job = Admitted();
  EXPECT_THAT(Delete(job), IsOk());
  store_->Finish(job, ResultWith({"picture"}));

  Start();

  EXPECT_EQ(store_->kept().jobs, 0U);
}

TEST_F(JobStoreRestartTest, StartsWithoutWhatItCannotRead) {
  const auto damaged = Finished({"picture"});
  std::ofstream(PathOf(damaged) / "record") << "damaged";
  const auto whole = Admitted();

  Start();

  EXPECT_THAT(Find(damaged), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Find(whole), IsOk());
  EXPECT_THAT(problems(), SizeIs(1));
}

TEST_F(JobStoreRestartTest, KeepsWithinTheLimitsOfTheNewServer) {
  const auto first = Finished({std::string(400'000, 'a')});
  clock_.Advance(1s);
  EXPECT_THAT(store_->Create({.caller = "ann", .request_id = "mine", .digest = "other"}),
              StatusIs(absl::StatusCode::kAlreadyExists));
  const auto second = Admitted("second");
  store_->Finish(second, ResultWith({std::string(400'000, 'b')}));
  EXPECT_THAT(AwaitEnd(second), IsOk());

  Start({.bytes = 500'000});

  EXPECT_THAT(Find(first), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Find(second), IsOk());
}

TEST_F(JobStoreRestartTest, FailsAJobThatCannotBeWritten) {
  const auto job = Admitted();
  bool kept = false;
  JobResult result = ResultWith({"picture"});
  result.on_kept = [&] { kept = true; };
  // A folder where the picture would be.
  std::filesystem::create_directories(PathOf(job) / "picture-0" / "in the way");

  store_->Finish(job, std::move(result));

  EXPECT_THAT(AwaitEnd(job), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(problems(), Not(IsEmpty()));
  Start();
  EXPECT_TRUE(kept);
  EXPECT_EQ(Find(job).value()->Describe().state(), v1::UPSCALE_JOB_STATE_FAILED);
}

TEST_F(JobStoreRestartTest, RefusesAndCancelsAJobThatCannotBeWrittenAtItsBegin) {
  const auto job = store_->Create({.caller = "ann"}).value().job;
  int cancelled = 0;
  job->SetCancel([&] { ++cancelled; });
  std::ofstream(PathOf(job)) << "in the way";

  store_->Admit(job);
  test::AwaitAdmission(job);

  EXPECT_THAT(*job->admission(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(store_->kept().jobs, 0U);
  store_.reset();
  EXPECT_EQ(cancelled, 1);
}

TEST_F(JobStoreRestartTest, WritesWhatIsLeftBeforeItEnds) {
  const auto job = Admitted();
  store_->Finish(job, ResultWith({"picture"}));

  Start();

  EXPECT_EQ(Read(Find(job).value(), 0, 0).value(), "picture");
}

TEST_F(JobStoreRestartTest, ReportsAJobThatHasTheTimeOfAnother) {
  const auto job = Finished({});
  store::v1::JobRecord twin = job->Record();
  twin.mutable_job()->set_job_id(std::string(32, 'f'));
  store_.reset();
  ASSERT_THAT(JobFolder::Open(disk_.path()).value()->Write(twin, {}), IsOk());

  Start();

  EXPECT_EQ(store_->kept().jobs, 1U);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("is left out")));
  EXPECT_TRUE(std::filesystem::exists(disk_.path() / "v1" / std::string(32, 'f') / "record"));
}

TEST_F(JobStoreRestartTest, CannotReadThePictureOfADeletedJob) {
  const auto job = Finished({"picture"});
  EXPECT_THAT(Delete(job), IsOk());

  EXPECT_THAT(Read(job, 0, 0), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace upscaler
