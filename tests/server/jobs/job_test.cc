#include "server/jobs/job.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "common/thread_pool.h"
#include "tests/support/jobs.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::AcceptedEvent;
using test::IsOk;
using test::JobAwaiter;
using test::ProgressEvent;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Optional;

class JobTest : public ::testing::Test {
 protected:
  static JobEnd Success(std::size_t pictures = 1) {
    JobEnd end{.end_time = SystemTime(10s), .expire_time = SystemTime(20s)};
    end.images.resize(pictures);
    return end;
  }
  static JobEnd Failure(absl::Status error) {
    return {.state = v1::UPSCALE_JOB_STATE_FAILED, .error = std::move(error)};
  }

  Job job_{{.id = "1", .caller = "", .request_id = "mine", .digest = "", .create_time = {}},
           v1::UpscaleSpec()};
};

TEST_F(JobTest, NumbersItsEventsWithoutGapsToTheLast) {
  job_.AddEvent(AcceptedEvent());
  job_.AddEvent(ProgressEvent(1));
  job_.End(Success(/*pictures=*/2), {"a", "b"});

  std::uint64_t sequence = 0;
  std::vector<v1::UpscaleStreamResponse::EventCase> kinds;
  for (Job::Next next = job_.After(0); next.event != nullptr; next = job_.After(sequence)) {
    const v1::UpscaleStreamResponse& event = next.event->event();
    EXPECT_EQ(event.sequence(), ++sequence);
    kinds.push_back(event.event_case());
  }
  using Event = v1::UpscaleStreamResponse;
  EXPECT_THAT(kinds, ElementsAre(Event::kAccepted, Event::kProgress, Event::kImageHeader,
                                 Event::kImageHeader, Event::kCompleted));
  EXPECT_THAT(job_.After(sequence).end, Optional(absl::OkStatus()));
  EXPECT_EQ(job_.Describe().last_sequence(), sequence);
}

TEST_F(JobTest, DescribesHowItStands) {
  EXPECT_EQ(job_.Describe().state(), v1::UPSCALE_JOB_STATE_QUEUED);
  EXPECT_FALSE(job_.Describe().has_input_size());

  job_.AddEvent(AcceptedEvent());
  job_.AddEvent(ProgressEvent(40));
  job_.AddEvent(ProgressEvent(20));  // Two pictures' events may overtake one another.

  EXPECT_EQ(job_.Describe().state(), v1::UPSCALE_JOB_STATE_RUNNING);
  EXPECT_EQ(job_.Describe().output_size().width(), 16U);
  EXPECT_DOUBLE_EQ(job_.Describe().fraction(), 0.4);
  EXPECT_FALSE(job_.Describe().has_end_time());

  job_.End(Success(), {"bytes"});

  EXPECT_EQ(job_.Describe().state(), v1::UPSCALE_JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job_.Describe().fraction(), 1);
  EXPECT_EQ(job_.Describe().images_size(), 1);
  EXPECT_EQ(job_.Describe().expire_time().seconds(), 20);
}

TEST_F(JobTest, KeepsItsFirstEnd) {
  job_.End(Failure(absl::InternalError("broken")), {});
  job_.End(Success(), {"bytes"});
  job_.AddEvent(ProgressEvent(1));

  EXPECT_EQ(job_.Describe().state(), v1::UPSCALE_JOB_STATE_FAILED);
  EXPECT_EQ(job_.Describe().last_sequence(), 0U);
}

TEST_F(JobTest, EndsWithAllThatItsErrorSaid) {
  job_.End(Failure(WithRetryAfter(WithReason(InvalidField("image", "no picture"), "OUT_OF_MEMORY"),
                                  1500ms)),
           {});

  const absl::Status error = *job_.After(0).end;

  EXPECT_THAT(error, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(error.message(), "image: no picture");
  EXPECT_THAT(ReasonOf(error), Optional(std::string("OUT_OF_MEMORY")));
  EXPECT_THAT(FieldOf(error), Optional(std::string("image")));
  EXPECT_THAT(RetryAfterOf(error), Optional(std::chrono::milliseconds(1500)));
}

TEST_F(JobTest, WaitsForTheNextEventAndRefusesThoseThatNeverWere) {
  const auto expect_refusal = [](const Job::Next& next) {
    ASSERT_TRUE(next.end.has_value());
    EXPECT_THAT(*next.end, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(FieldOf(*next.end), Optional(std::string("after_sequence")));
  };
  job_.AddEvent(AcceptedEvent());

  EXPECT_FALSE(job_.After(1).event);
  EXPECT_FALSE(job_.After(1).end.has_value());
  expect_refusal(job_.After(2));

  job_.End(Success(), {"bytes"});

  expect_refusal(job_.After(7));
}

TEST_F(JobTest, TellsItsErrorToThoseWhoSawMoreEventsThanWereWrittenDown) {
  Job revived(job_.Record());

  revived.End({.state = v1::UPSCALE_JOB_STATE_INTERRUPTED, .error = absl::AbortedError("ended")},
              {});

  EXPECT_THAT(*revived.After(7).end, StatusIs(absl::StatusCode::kAborted));
}

TEST_F(JobTest, TellsWhatAPictureIsOnceThereIsOne) {
  EXPECT_THAT(job_.PictureAt(0), StatusIs(absl::StatusCode::kFailedPrecondition));

  job_.End(Success(), {"bytes"});

  EXPECT_THAT(job_.PictureAt(0), test::IsOk());
  EXPECT_EQ(*job_.BytesAt(0), "bytes");
  EXPECT_THAT(job_.PictureAt(1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(job_.BytesAt(1), nullptr);
}

TEST_F(JobTest, HasNothingLeftWhenItIsForgotten) {
  job_.End(Success(), {"bytes"});

  job_.Forget();

  EXPECT_THAT(*job_.After(0).end, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(job_.PictureAt(0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(job_.BytesAt(0), nullptr);
}

TEST_F(JobTest, CancelsTheWorkOnceThoughItIsAskedBeforeItIsKnownHow) {
  int cancelled = 0;

  job_.RequestCancel();
  EXPECT_TRUE(job_.cancel_requested());
  job_.SetCancel([&] { ++cancelled; });
  EXPECT_EQ(cancelled, 1);
  job_.RequestCancel();

  EXPECT_EQ(cancelled, 1);
}

TEST_F(JobTest, LeavesAJobThatHasEndedAsItIs) {
  int cancelled = 0;
  job_.SetCancel([&] { ++cancelled; });
  job_.End(Success(), {"bytes"});

  job_.RequestCancel();

  EXPECT_EQ(cancelled, 0);
  EXPECT_FALSE(job_.cancel_requested());
}

TEST_F(JobTest, TellsItsWatchersForAsLongAsTheyLive) {
  const auto staying = std::make_shared<JobAwaiter>();
  auto leaving = std::make_shared<JobAwaiter>();
  ASSERT_THAT(job_.Watch(staying), IsOk());
  ASSERT_THAT(job_.Watch(leaving), IsOk());
  job_.AddEvent(AcceptedEvent());
  EXPECT_EQ(leaving->changes(), 1);

  leaving.reset();
  job_.AddEvent(ProgressEvent(1));
  job_.End(Success(), {"bytes"});
  job_.Forget();

  EXPECT_EQ(staying->changes(), 4);
}

TEST_F(JobTest, IsWatchedBySixteenAtATime) {
  std::vector<std::shared_ptr<JobAwaiter>> watchers(16);
  for (auto& watcher : watchers) {
    watcher = std::make_shared<JobAwaiter>();
    EXPECT_THAT(job_.Watch(watcher), IsOk());
  }
  const auto next = std::make_shared<JobAwaiter>();

  const absl::Status refusal = job_.Watch(next);

  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(refusal), Optional(std::string("TOO_MANY_WATCHERS")));
  EXPECT_TRUE(RetryAfterOf(refusal).has_value());
  watchers.pop_back();
  EXPECT_THAT(job_.Watch(next), IsOk());
}

TEST_F(JobTest, TellsWatchersElsewhereAndOfSeveralChangesAtOnce) {
  ThreadPool notifier(1);
  Job job({.id = "1", .caller = "", .request_id = "", .digest = "", .create_time = {}},
          v1::UpscaleSpec(), &notifier);
  const auto watcher = std::make_shared<JobAwaiter>();
  ASSERT_THAT(job.Watch(watcher), IsOk());
  std::latch busy(1);
  notifier.Add([&] { busy.wait(); });

  job.AddEvent(AcceptedEvent());
  job.AddEvent(ProgressEvent(1));
  const int while_busy = watcher->changes();
  busy.count_down();
  notifier.Close();
  const int afterwards = watcher->changes();
  job.AddEvent(ProgressEvent(2));

  EXPECT_EQ(while_busy, 0);
  EXPECT_EQ(afterwards, 1);
  EXPECT_EQ(watcher->changes(), 2);  // Told here, where there is no notifier any more.
}

TEST_F(JobTest, ForgetsHowToCancelWorkThatIsOver) {
  int cancelled = 0;
  job_.SetCancel([&] { ++cancelled; });

  job_.DropCancel();
  job_.RequestCancel();
  job_.SetCancel([&] { ++cancelled; });

  EXPECT_EQ(cancelled, 0);
}

TEST_F(JobTest, GivesAllWatchersTheSameEventsFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 200;
  const auto job = std::make_shared<Job>(
      Job::Origin{.id = "1", .caller = "", .request_id = "", .digest = "", .create_time = {}},
      v1::UpscaleSpec());
  std::vector<std::vector<const void*>> seen(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& events : seen) {
      threads.emplace_back([&events, job] {
        JobAwaiter::Await(job, [&] {
          Job::Next next;
          while ((next = job->After(events.size())).event != nullptr) {
            events.push_back(next.event.get());
          }
          return next.end.has_value();
        });
      });
    }
    {
      std::vector<std::jthread> writers;
      for (int writer = 0; writer < 2; ++writer) {
        writers.emplace_back([&] {
          for (int i = 0; i < kEvents / 2; ++i) job->AddEvent(ProgressEvent(1));
        });
      }
    }
    job->End(Success(), {"bytes"});
  }

  EXPECT_EQ(seen[0].size(), kEvents + 2U);
  for (const auto& events : seen) EXPECT_EQ(events, seen[0]);
}

TEST_F(JobTest, ComesBackFromItsRecordAsItWas) {
  job_.AddEvent(AcceptedEvent());
  const store::v1::JobRecord record = job_.RecordAfter(Success());
  job_.End(Success(), {"bytes"});

  const Job again(record);

  EXPECT_EQ(again.Describe().SerializeAsString(), job_.Describe().SerializeAsString());
  EXPECT_EQ(again.Record().SerializeAsString(), job_.Record().SerializeAsString());
  EXPECT_EQ(again.origin().request_id, "mine");
  EXPECT_THAT(again.admission(), Optional(absl::OkStatus()));
}

}  // namespace
}  // namespace upscaler
