#include "client/async_read_call.h"

#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/channel.h"
#include "client/job_calls.h"
#include "common/error_details.h"
#include "common/mutex.h"
#include "tests/support/fake_job_service.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::FakeJobService;
using test::IsOk;
using test::JobScript;
using test::StatusIs;
using ::testing::ElementsAre;

// A watch, whose messages and end a test awaits.
class AsyncReadCallTest : public ::testing::Test {
 protected:
  // With `reads_on`, every message is done with at once.
  void Watch(const JobScript& script, bool reads_on, const std::string& job_id = "job-1") {
    service_ = std::make_unique<FakeJobService>(script);
    channel_ = MakeChannel(service_->target());
    v1::WatchUpscaleJobRequest request;
    request.set_job_id(job_id);
    call_->Start(
        channel_, &JobMethods::WatchUpscaleJob, request, {.api_key = "key-1"},
        {.on_begin = [this](const ServerMetadata& metadata) { metadata_ = metadata.size(); },
         .on_message =
             [this, reads_on](v1::WatchUpscaleJobResponse& message) {
               Keep(message.event().sequence());
               if (reads_on) call_->ReadOn();
             },
         .on_done = [this](const absl::Status& status) { End(status); }});
  }

  void AwaitMessages(std::size_t count) {
    MutexLock lock(mutex_);
    while (sequences_.size() < count) lock.Wait(changed_);
  }

  absl::Status AwaitEnd() {
    MutexLock lock(mutex_);
    while (!end_.has_value()) lock.Wait(changed_);
    return *end_;
  }

  std::vector<std::uint64_t> sequences() {
    const MutexLock lock(mutex_);
    return sequences_;
  }

  std::unique_ptr<FakeJobService> service_;
  std::shared_ptr<grpc::Channel> channel_;  // Not to go with the call, on gRPC's thread.
  std::shared_ptr<JobWatchCall> call_ = JobWatchCall::Create();
  std::size_t metadata_ = 0;  // Entries that the server has sent first.

 private:
  void Keep(std::uint64_t sequence) {
    const MutexLock lock(mutex_);
    sequences_.push_back(sequence);
    changed_.notify_all();
  }
  void End(const absl::Status& status) {
    const MutexLock lock(mutex_);
    end_ = status;
    changed_.notify_all();
  }

  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint64_t> sequences_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(AsyncReadCallTest, GivesEveryMessageAndThenTheEnd) {
  Watch({.events = 3}, /*reads_on=*/true);

  EXPECT_THAT(AwaitEnd(), IsOk());
  EXPECT_THAT(sequences(), ElementsAre(1, 2, 3));
  EXPECT_GT(metadata_, 0U);
  EXPECT_EQ(service_->asked().at(0).authorization, "Bearer key-1");
}

TEST_F(AsyncReadCallTest, GivesNoMessageBeforeTheLastOneIsDoneWith) {
  Watch({.events = 3}, /*reads_on=*/false);
  AwaitMessages(1);

  call_->ReadOn();
  AwaitMessages(2);

  EXPECT_THAT(sequences(), ElementsAre(1, 2));
  call_->Cancel();
  EXPECT_THAT(AwaitEnd(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(sequences(), ElementsAre(1, 2));
}

TEST_F(AsyncReadCallTest, EndsWhenItIsCancelledWhileNothingComes) {
  Watch({.events = 1, .hold = true}, /*reads_on=*/true);
  AwaitMessages(1);

  call_->Cancel();

  EXPECT_THAT(AwaitEnd(), StatusIs(absl::StatusCode::kCancelled));
  service_->AwaitCancelled(1);
}

TEST_F(AsyncReadCallTest, EndsAtOnceWhereItWasCancelledBefore) {
  call_->Cancel();

  Watch({.events = 3}, /*reads_on=*/true);

  EXPECT_THAT(AwaitEnd(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(AsyncReadCallTest, TellsWhyTheServerRefuses) {
  Watch({}, /*reads_on=*/true, "job-2");

  const absl::Status status = AwaitEnd();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ReasonOf(status), "JOB_NOT_FOUND");
}

TEST_F(AsyncReadCallTest, IgnoresWhoReadsOnAfterTheEnd) {
  Watch({.events = 1}, /*reads_on=*/true);
  EXPECT_THAT(AwaitEnd(), IsOk());

  call_->ReadOn();
  call_->Cancel();
}

}  // namespace
}  // namespace upscaler
