#include "client/upscale_jobs.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "client/ask_server.h"
#include "client/channel.h"
#include "common/crc32.h"
#include "common/error_details.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_job_service.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeJobService;
using test::IsOk;
using test::JobScript;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kJobId = FakeJobService::kJobId;

// UNAVAILABLE as a server gives it, not a broken connection.
grpc::Status Draining() {
  google::rpc::ErrorInfo info;
  info.set_reason("DRAINING");
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return {grpc::StatusCode::UNAVAILABLE, "draining", details.SerializeAsString()};
}

class UpscaleJobsTest : public ::testing::Test {
 protected:
  UpscaleJobs& Jobs(const JobScript& script) {
    service_ = std::make_unique<FakeJobService>(script);
    jobs_ = std::make_unique<UpscaleJobs>(
        MakeChannel(service_->target()),
        UpscaleJobs::Options{.api_key = "key-1",
                             .retries = {.max_attempts = 3},
                             .sleep = [this](auto delay) { waits_.push_back(delay); }},
        clock_);
    return *jobs_;
  }

  // Watches, and keeps the steps that it was told.
  absl::Status Watch(UpscaleJobs& jobs, std::uint64_t after = 0) {
    return jobs.Watch(kJobId, after, [this](const v1::UpscaleStreamResponse& event) {
      steps_.push_back(event.progress().step());
      return true;
    });
  }

  test::FakeClock clock_;
  std::unique_ptr<FakeJobService> service_;
  std::unique_ptr<UpscaleJobs> jobs_;
  std::vector<std::chrono::milliseconds> waits_;
  std::vector<std::uint32_t> steps_;
};

TEST_F(UpscaleJobsTest, SendsTheWholeOrder) {
  const std::string image(200'000, 'x');

  const auto response = Jobs({}).Create({.image = image, .request_id = "mine"});

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->job().job_id(), kJobId);
  EXPECT_TRUE(response->created());
  const auto created = service_->created();
  ASSERT_THAT(created, SizeIs(1));
  EXPECT_EQ(created[0].request_id, "mine");
  EXPECT_EQ(created[0].authorization, "Bearer key-1");
  EXPECT_EQ(created[0].image, image);
  EXPECT_EQ(created[0].start.crc32(), Crc32(image));
}

TEST_F(UpscaleJobsTest, SendsTheSameIdAgainSoThatNoSecondJobIsMade) {
  const auto response = Jobs({.create_breaks = 1}).Create({.image = "image"});

  ASSERT_THAT(response, IsOk());
  const auto created = service_->created();
  ASSERT_THAT(created, SizeIs(2));
  EXPECT_THAT(created[0].request_id, SizeIs(32));
  EXPECT_EQ(created[0].request_id, created[1].request_id);
  EXPECT_EQ(created[1].image, "image");
}

TEST_F(UpscaleJobsTest, WatchesTheEventsAfterTheOneThatIsKnown) {
  EXPECT_THAT(Watch(Jobs({.events = 4}), 2), IsOk());

  EXPECT_THAT(steps_, ElementsAre(3, 4));
  EXPECT_THAT(service_->watched_after(), ElementsAre(2));
}

TEST_F(UpscaleJobsTest, LosesNoEventAndRepeatsNoneWhenConnectionsBreak) {
  EXPECT_THAT(Watch(Jobs({.events = 6, .watch_breaks = {2, 0, 1, 3}})), IsOk());

  EXPECT_THAT(steps_, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(service_->watched_after(), ElementsAre(0, 2, 2, 3, 6));
  EXPECT_THAT(waits_, SizeIs(4));
}

TEST_F(UpscaleJobsTest, GivesUpWatchingWhereNothingComesAnyMore) {
  EXPECT_THAT(Watch(Jobs({.events = 6, .watch_breaks = {2, 0, 0, 0}})),
              StatusIs(absl::StatusCode::kUnavailable));

  EXPECT_THAT(steps_, ElementsAre(1, 2));
}

TEST_F(UpscaleJobsTest, TakesTheJobsOwnErrorForTheEnd) {
  const absl::Status status = Watch(
      Jobs({.state = v1::UPSCALE_JOB_STATE_INTERRUPTED, .events = 1, .watch_end = Draining()}));

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(UpscaleJobsTest, GoesOnWatchingWhereTheServerRefusesButTheJobRuns) {
  EXPECT_THAT(
      Watch(Jobs({.state = v1::UPSCALE_JOB_STATE_RUNNING, .events = 1, .watch_end = Draining()})),
      StatusIs(absl::StatusCode::kUnavailable));

  EXPECT_THAT(service_->watched_after(), ElementsAre(0, 1, 1));
}

TEST_F(UpscaleJobsTest, StopsWatchingWhenItIsTold) {
  const absl::Status status =
      Jobs({.events = 5}).Watch(kJobId, 0, [this](const v1::UpscaleStreamResponse& event) {
        steps_.push_back(event.progress().step());
        return steps_.size() < 2;
      });

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(steps_, ElementsAre(1, 2));
}

TEST_F(UpscaleJobsTest, DownloadsTheRestAfterABrokenConnection) {
  const auto picture =
      Jobs({.picture = "the picture", .download_breaks = {2, 0, 2}}).Download(kJobId, 0);

  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->data(), "the picture");
  EXPECT_EQ(picture->seed(), 7U);
  EXPECT_THAT(service_->downloaded_from(), ElementsAre(0, 6, 6, 11));
}

TEST_F(UpscaleJobsTest, RefusesAPictureThatWasDamaged) {
  EXPECT_THAT(Jobs({.picture = "the picture", .crc32 = 1}).Download(kJobId, 0),
              StatusIs(absl::StatusCode::kInternal));
}

TEST_F(UpscaleJobsTest, AsksAndTells) {
  UpscaleJobs& jobs = Jobs({.state = v1::UPSCALE_JOB_STATE_RUNNING});
  v1::ListUpscaleJobsRequest second_page;
  second_page.set_page_token("page");

  const auto job = jobs.Get(kJobId);
  const auto page = jobs.List(second_page);
  const auto cancelled = jobs.Cancel(kJobId);

  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::UPSCALE_JOB_STATE_RUNNING);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->next_page_token(), "page+");
  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state(), v1::UPSCALE_JOB_STATE_CANCELLED);
  EXPECT_THAT(jobs.Delete(kJobId), IsOk());
  EXPECT_THAT(jobs.Delete("another"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(jobs.Get("another"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(AskServerTest, BringsTheAnswers) {
  test::FakeUpscalerService service{test::UpscaleScript{}};
  service.set_estimate(
      [](const v1::EstimateUpscaleRequest& request, v1::EstimateUpscaleResponse& response) {
        response.mutable_output_size()->set_width(2 * request.image_size().width());
        return grpc::Status::OK;
      });
  const auto channel = MakeChannel(service.target());
  v1::EstimateUpscaleRequest request;
  request.mutable_image_size()->set_width(30);

  const auto estimate = AskEstimate(channel, request);
  const auto info = AskServerInfo(channel);

  ASSERT_THAT(estimate, IsOk());
  EXPECT_EQ(estimate->output_size().width(), 60U);
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->version(), "1.2.3");
}

TEST(AskServerTest, BringsTheServersErrors) {
  const test::FakeUpscalerService service{test::UpscaleScript{}};
  v1::EstimateUpscaleRequest unsendable;
  unsendable.mutable_spec()->set_prompt("caf\xe9");

  const auto channel = MakeChannel(service.target());

  EXPECT_THAT(AskEstimate(channel, {}), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(AskEstimate(channel, unsendable), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(AskServerInfo(channel, {.api_key = "\n"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace upscaler
