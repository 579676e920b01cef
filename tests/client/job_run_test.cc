#include "client/job_run.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/channel.h"
#include "common/error_details.h"
#include "tests/support/fake_job_service.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::FakeJobService;
using test::FinishedJob;
using test::IsOk;
using test::JobScript;
using test::Refusal;
using test::StatusIs;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Event = v1::UpscaleStreamResponse;

class JobRunTest : public ::testing::Test {
 protected:
  void Start(const JobScript& script) {
    service_ = std::make_unique<FakeJobService>(script);
    channel_ = MakeChannel(service_->target());
    run_->Start(channel_,
                {.image = "input",
                 .api_key = "key-1",
                 .request_id = "call-1",
                 .via = "rest",
                 .timeout = timeout_},
                "mine",
                {.on_event =
                     [this](const Event& event) {
                       kinds_.push_back(event.event_case());
                       if (event.has_image_header()) on_header_();
                     },
                 .on_done =
                     [this](absl::StatusOr<v1::UpscaleResponse> response) {
                       response_.set_value(std::move(response));
                     }});
  }

  absl::StatusOr<v1::UpscaleResponse> Await() { return response_.get_future().get(); }

  std::unique_ptr<FakeJobService> service_;
  std::shared_ptr<grpc::Channel> channel_;  // Not to go with the call, on gRPC's thread.
  std::shared_ptr<JobRun> run_ = JobRun::Create();
  std::vector<Event::EventCase> kinds_;
  std::function<void()> on_header_ = [] {};
  std::optional<std::chrono::milliseconds> timeout_;

 private:
  std::promise<absl::StatusOr<v1::UpscaleResponse>> response_;
};

TEST_F(JobRunTest, AnswersAsAnUpscaleDoes) {
  Start(FinishedJob({"picture"}));

  const auto response = Await();

  ASSERT_THAT(response, IsOk());
  ASSERT_THAT(response->images(), SizeIs(1));
  EXPECT_EQ(response->images(0).data(), "picture");
  EXPECT_EQ(response->images(0).seed(), 7U);
  EXPECT_EQ(response->timings().total().seconds(), 1);
  EXPECT_THAT(response->warnings(), ElementsAre("the prompt was cut"));
  EXPECT_EQ(response->effective_spec().num_inference_steps(), 2U);
  EXPECT_THAT(kinds_, ElementsAre(Event::kAccepted, Event::kImageHeader, Event::kCompleted));
}

TEST_F(JobRunTest, HasOneTimeoutForAllOfItsCalls) {
  timeout_ = std::chrono::seconds(9);  // Longer ones are sent to a tenth of a second.
  on_header_ = [] { std::this_thread::sleep_for(std::chrono::seconds(2)); };
  Start(FinishedJob({"picture"}));

  ASSERT_THAT(Await(), IsOk());

  // The watch, and the download that was begun so much later.
  const auto asked = service_->asked();
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_LT(asked[1].deadline - asked[0].deadline, std::chrono::seconds(1));
}

TEST_F(JobRunTest, CreatesTheJobUnderItsKey) {
  Start(FinishedJob({"picture"}));

  ASSERT_THAT(Await(), IsOk());

  const auto created = service_->created();
  ASSERT_THAT(created, SizeIs(1));
  EXPECT_EQ(created[0].request_id, "mine");
  EXPECT_EQ(created[0].image, "input");
  EXPECT_EQ(created[0].via, "rest");
  EXPECT_EQ(created[0].authorization, "Bearer key-1");
  EXPECT_THAT(service_->asked(),
              Each(Field(&test::ReceivedQuestion::authorization, "Bearer key-1")));
}

TEST_F(JobRunTest, GoesOnWithoutItsCaller) {
  JobScript script = FinishedJob({"picture"});
  script.last_events.pop_back();
  script.last_events.pop_back();
  script.hold = true;
  Start(script);
  service_->AwaitAsked(1);

  run_->Cancel();

  const auto response = Await();
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(ReasonOf(response.status()), std::nullopt);
  service_->AwaitCancelled(1);
  EXPECT_THAT(service_->asked(), ElementsAre(Field(&test::ReceivedQuestion::method, "Watch")));
}

// The call that is cancelled is the watch, and the download that would be next is none.
TEST_F(JobRunTest, EndsOnceBetweenAPictureAndItsDownload) {
  on_header_ = [this] { run_->Cancel(); };
  Start(FinishedJob({"picture"}));

  EXPECT_THAT(Await(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(kinds_, ElementsAre(Event::kAccepted, Event::kImageHeader));
  EXPECT_THAT(service_->asked(), ElementsAre(Field(&test::ReceivedQuestion::method, "Watch")));
}

TEST_F(JobRunTest, EndsAtOnceWhereNobodyWaitsFromTheBeginning) {
  run_->Cancel();

  Start(FinishedJob({"picture"}));

  EXPECT_THAT(Await(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(service_->created(), IsEmpty());
}

TEST_F(JobRunTest, TellsTheErrorOfTheJob) {
  JobScript script{.events = 1};
  script.watch_end =
      Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "out of memory", "OUT_OF_MEMORY");
  Start(script);

  const auto response = Await();

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(response.status()), "OUT_OF_MEMORY");
}

TEST_F(JobRunTest, TellsThatSomebodyElseHasCancelledTheJob) {
  JobScript script{.events = 1};
  script.watch_end = Refusal(grpc::StatusCode::CANCELLED, "cancelled", "CANCELLED");
  Start(script);

  const auto response = Await();

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(ReasonOf(response.status()), "JOB_CANCELLED");
}

TEST_F(JobRunTest, TellsWhyThereIsNoJob) {
  Start({.create_end =
             Refusal(grpc::StatusCode::ALREADY_EXISTS, "another order", "REQUEST_ID_REUSED")});

  EXPECT_EQ(ReasonOf(Await().status()), "REQUEST_ID_REUSED");
}

TEST_F(JobRunTest, RefusesAPictureThatWasCutOff) {
  JobScript script = FinishedJob({"picture"});
  script.download_breaks = {1};
  Start(script);

  EXPECT_THAT(Await(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(JobRunTest, RefusesAPictureThatWasDamaged) {
  JobScript script = FinishedJob({"picture"});
  script.picture = "Picture";
  Start(script);

  EXPECT_THAT(Await(), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace upscaler
