// The store on disk: what a server that starts finds of the one before.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "server/jobs/job_folder.h"
#include "server/jobs/job_store.h"
#include "tests/support/jobs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::AcceptedEvent;
using test::AwaitEnd;
using test::IsOk;
using test::ProgressEvent;
using test::ResultWith;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;

class JobStoreRestartTest : public ::testing::Test {
 protected:
  JobStoreRestartTest() { Start(); }

  void Start(const JobTable::Limits& limits = {}) {
    store_.reset();
    store_ = JobStore::Open({.limits = limits,
                             .ttl = 60s,
                             .folder = disk_.path(),
                             .now = [this] { return clock_.Now(); },
                             .make_id = make_id_,
                             .report =
                                 [this](const std::string& problem) {
                                   MutexLock lock(mutex_);
                                   problems_.push_back(problem);
                                 },
                             .on_end =
                                 [this](const Job::Origin& job, const JobEnd& end) {
                                   MutexLock lock(mutex_);
                                   ends_.emplace_back(job.id, end.state);
                                 }})
                 .value();
  }

  std::shared_ptr<Job> Admitted(const std::string& request_id = "") {
    std::shared_ptr<Job> job =
        store_->Create({.caller = "ann", .request_id = request_id, .digest = "asked"}).value().job;
    job->AddEvent(AcceptedEvent());
    store_->Admit(job);
    test::AwaitAdmission(job);
    return job;
  }
  std::shared_ptr<Job> Finished(std::vector<std::string> pictures) {
    std::shared_ptr<Job> job = Admitted("mine");
    job->AddEvent(ProgressEvent(1));
    store_->Finish(job, ResultWith(std::move(pictures)));
    EXPECT_THAT(AwaitEnd(job), IsOk());
    return job;
  }

  absl::StatusOr<std::shared_ptr<Job>> Find(const std::shared_ptr<Job>& job) const {
    return store_->Find("ann", job->origin().id);
  }

  absl::StatusOr<std::string> Read(const std::shared_ptr<Job>& job, std::size_t index,
                                   std::uint64_t offset) {
    absl::StatusOr<std::string> result;
    std::latch done(1);
    store_->Read(job, index, offset, /*bytes=*/1000, [&](absl::StatusOr<std::string> bytes) {
      result = std::move(bytes);
      done.count_down();
    });
    done.wait();
    return result;
  }

  absl::Status Delete(const std::shared_ptr<Job>& job) {
    absl::Status result;
    std::latch done(1);
    store_->Delete("ann", job->origin().id, [&](const absl::Status& status) {
      result = status;
      done.count_down();
    });
    done.wait();
    return result;
  }

  std::filesystem::path PathOf(const std::shared_ptr<Job>& job) const {
    return disk_.path() / "v1" / job->origin().id;
  }

  std::vector<std::string> problems() const {
    MutexLock lock(mutex_);
    return problems_;
  }
  std::vector<std::pair<std::string, v1::UpscaleJobState>> ends() const {
    MutexLock lock(mutex_);
    return ends_;
  }

  const test::TemporaryFolder disk_;
  test::FakeSystemClock clock_;
  std::function<std::string()> make_id_ = test::CountingIds();
  mutable Mutex mutex_;
  std::vector<std::string> problems_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, v1::UpscaleJobState>> ends_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<JobStore> store_;
};

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

TEST_F(JobStoreRestartTest, DoesNotCancelWorkThatIsOverThoughItIsNotWrittenYet) {
  const auto first = Admitted();
  const auto second = Admitted();
  int cancelled = 0;
  second->SetCancel([&] { ++cancelled; });
  std::latch writer(1);
  JobResult result = ResultWith({"picture"});
  result.on_kept = [&] { writer.wait(); };
  store_->Finish(first, std::move(result));

  store_->Finish(second, ResultWith({"picture"}));
  second->RequestCancel();
  writer.count_down();

  EXPECT_EQ(cancelled, 0);
  EXPECT_THAT(AwaitEnd(second), IsOk());
}

TEST_F(JobStoreRestartTest, HasWrittenAndToldEverythingOnceItIsFlushed) {
  const auto job = Admitted();
  const auto watcher = std::make_shared<test::JobAwaiter>();
  ASSERT_THAT(job->Watch(watcher), IsOk());
  store_->Finish(job, ResultWith({"picture"}));

  store_->Flush();

  EXPECT_THAT(job->After(job->Describe().last_sequence()).end, Optional(absl::OkStatus()));
  EXPECT_GT(watcher->changes(), 0);
  EXPECT_TRUE(std::filesystem::exists(PathOf(job) / "picture-0"));
}

TEST_F(JobStoreRestartTest, RefusesWhatNeedsTheDiskOnceItIsFlushed) {
  const auto finished = Finished({"picture"});
  const auto running = Admitted();
  const auto late = store_->Create({.caller = "ann"}).value().job;
  bool kept = false;
  JobResult result = ResultWith({"picture"});
  result.on_kept = [&] { kept = true; };

  store_->Flush();
  store_->Admit(late);
  store_->Finish(running, std::move(result));

  EXPECT_THAT(late->admission(), Optional(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_EQ(running->Describe().state(), v1::UPSCALE_JOB_STATE_INTERRUPTED);
  EXPECT_TRUE(kept);
  EXPECT_THAT(Read(finished, 0, 0), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Delete(finished), StatusIs(absl::StatusCode::kUnavailable));
  store_->Flush();
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

TEST_F(JobStoreRestartTest, TellsOfEveryEndOnce) {
  const auto finished = Finished({"picture"});
  const auto deleted = Admitted();
  EXPECT_THAT(Delete(deleted), IsOk());
  store_->Finish(deleted, absl::CancelledError("the request was cancelled"));
  const auto interrupted = Admitted();

  Start();
  Start();

  EXPECT_THAT(ends(),
              ElementsAre(Pair(finished->origin().id, v1::UPSCALE_JOB_STATE_SUCCEEDED),
                          Pair(deleted->origin().id, v1::UPSCALE_JOB_STATE_CANCELLED),
                          Pair(interrupted->origin().id, v1::UPSCALE_JOB_STATE_INTERRUPTED)));
}

TEST_F(JobStoreRestartTest, CannotReadThePictureOfADeletedJob) {
  const auto job = Finished({"picture"});
  EXPECT_THAT(Delete(job), IsOk());

  EXPECT_THAT(Read(job, 0, 0), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace upscaler
