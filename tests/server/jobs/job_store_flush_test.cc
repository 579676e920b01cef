// How jobs on disk end, and how the store does.

#include <filesystem>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/jobs/job_store_on_disk.h"

namespace upscaler {
namespace {

using test::AwaitEnd;
using test::IsOk;
using test::ProgressEvent;
using test::ResultWith;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Optional;
using ::testing::Pair;

// Notes where it was told.
struct ThreadNoter final : JobWatcher {
  void OnChange() override { thread = std::this_thread::get_id(); }

  std::thread::id thread;
};

using JobStoreFlushTest = test::JobStoreOnDisk;

TEST_F(JobStoreFlushTest, TellsWatchersOnAThreadOfItsOwn) {
  const auto job = Admitted();
  const auto watcher = std::make_shared<ThreadNoter>();
  ASSERT_THAT(job->Watch(watcher), IsOk());

  job->AddEvent(ProgressEvent(1));
  store_->Flush();

  EXPECT_NE(watcher->thread, std::thread::id());
  EXPECT_NE(watcher->thread, std::this_thread::get_id());
}

TEST_F(JobStoreFlushTest, DoesNotCancelWorkThatIsOverThoughItIsNotWrittenYet) {
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

TEST_F(JobStoreFlushTest, HasWrittenAndToldEverythingOnceItIsFlushed) {
  const auto job = Admitted();
  const auto watcher = std::make_shared<test::JobAwaiter>();
  ASSERT_THAT(job->Watch(watcher), IsOk());
  store_->Finish(job, ResultWith({"picture"}));

  store_->Flush();

  EXPECT_THAT(job->After(job->Describe().last_sequence()).end, Optional(absl::OkStatus()));
  EXPECT_GT(watcher->changes(), 0);
  EXPECT_TRUE(std::filesystem::exists(PathOf(job) / "picture-0"));
}

TEST_F(JobStoreFlushTest, RefusesWhatNeedsTheDiskOnceItIsFlushed) {
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

TEST_F(JobStoreFlushTest, TellsOfEveryEndOnce) {
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

}  // namespace
}  // namespace upscaler
