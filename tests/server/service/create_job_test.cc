#include "server/service/create_job.h"

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/job_service_fixture.h"
#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::Chunk;
using test::GradientPng;
using test::ReasonIn;
using test::Start;
using test::Uploads;
using ::testing::HasSubstr;

using CreateJobTest = test::JobServiceFixture;

TEST_F(CreateJobTest, RunsARequestOnceThoughItIsCreatedTwice) {
  const Uploads whole = {Start(), Chunk(GradientPng(16, 16))};
  const std::string png = GradientPng(16, 16);
  const Uploads cut = {Start(), Chunk(png.substr(0, 7)), Chunk(png.substr(7))};

  const Creation first = Create(whole, "mine");
  const Creation again = Create(cut, "mine");
  ASSERT_TRUE(Watch(first.id()).status.ok());
  const Creation late = Create(whole, "mine");

  EXPECT_TRUE(first.response.created());
  EXPECT_FALSE(again.response.created());
  EXPECT_EQ(again.id(), first.id());
  EXPECT_EQ(late.id(), first.id());
  EXPECT_EQ(script_.admitted(), 1U);
  EXPECT_EQ(late.response.job().request_id(), "mine");
}

TEST_F(CreateJobTest, TellsRequestsApartThatShareAnId) {
  ASSERT_TRUE(Create({Start(), Chunk(GradientPng(16, 16))}, "mine").status.ok());

  v1::UpscaleStreamRequest opaque = Start();
  opaque.mutable_start()->mutable_spec()->set_alpha(v1::ALPHA_MODE_DROP);
  for (const Uploads& other : {Uploads{Start(), Chunk(GradientPng(16, 8))},
                               {Start(/*steps=*/3), Chunk(GradientPng(16, 16))},
                               {opaque, Chunk(GradientPng(16, 16))}}) {
    const grpc::Status status = Create(other, "mine").status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
    EXPECT_EQ(ReasonIn(status), "REQUEST_ID_REUSED");
  }
}

TEST_F(CreateJobTest, MakesOneJobOfOneRequestThatComesFourTimesAtOnce) {
  std::vector<Creation> creations(4);
  {
    std::vector<std::jthread> clients;
    for (Creation& creation : creations) {
      clients.emplace_back([&] {
        creation = Create({Start(), Chunk(GradientPng(16, 16))}, "mine");
      });
    }
  }

  int created = 0;
  for (const Creation& creation : creations) {
    EXPECT_TRUE(creation.status.ok()) << creation.status.error_message();
    EXPECT_EQ(creation.id(), creations[0].id());
    created += creation.response.created() ? 1 : 0;
  }
  EXPECT_EQ(created, 1);
}

TEST_F(CreateJobTest, MakesNoJobOfAStreamThatBreaksTheOrder) {
  for (const Uploads& uploads : std::vector<Uploads>{{},
                                                     {Chunk("x")},
                                                     {Start(), Start()},
                                                     {Start()},
                                                     {Start(/*steps=*/0)},
                                                     {v1::UpscaleStreamRequest()},
                                                     {Start(), Chunk("not a picture")}}) {
    const grpc::Status status = Create(uploads).status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << uploads.size();
    EXPECT_EQ(ReasonIn(status), "INVALID_ARGUMENT");
  }
  const grpc::Status named = Create({Start(), Chunk(GradientPng(8, 8))}, "not visible").status;
  EXPECT_EQ(named.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(named.error_message(), HasSubstr("request_id"));
  EXPECT_EQ(jobs_->kept().jobs, 0U);
  EXPECT_EQ(admission_.rows(), 0U);
}

TEST_F(CreateJobTest, MakesNoJobWhereThereIsNoRoom) {
  script_.HangPass({.seed = 1, .step = 1});
  CreateWell({Start(/*steps=*/2, /*images=*/2), Chunk(GradientPng(16, 16))});

  const grpc::Status status = Create({Start(), Chunk(GradientPng(16, 16))}, "mine").status;

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(jobs_->kept().jobs, 1U);
}

TEST_F(CreateJobTest, CountsAJobAmongItsCallersCallsUntilItEnds) {
  const std::string key = "one-one-one-one-one";
  const test::TemporaryFolder keys;
  keys.Write("keys", "one " + key + " concurrent=1\n");
  server_->Shutdown();
  service_.reset();
  access_ = AccessControl::Open({.keys_file = keys.Path("keys")}, clock_).value();
  OpenDoor();
  script_.HangPass({.seed = 1, .step = 1});
  const Uploads uploads = {Start(), Chunk(GradientPng(16, 16))};

  const Creation first = Create(uploads, "", key);
  script_.AwaitHanging();
  const Creation second = Create(uploads, "", key);
  script_.Release();
  const Watched watched = Watch(first.id(), /*after=*/0, /*at_most=*/1 << 20, key);
  const Creation third = Create(uploads, "", key);

  EXPECT_TRUE(first.status.ok()) << first.status.error_message();
  EXPECT_EQ(ReasonIn(second.status), "TOO_MANY_CALLS");
  EXPECT_TRUE(watched.status.ok()) << watched.status.error_message();
  EXPECT_TRUE(third.status.ok()) << third.status.error_message();
}

TEST_F(CreateJobTest, EndsClientsThatDoNotSendTheRest) {
  grpc::ClientContext call;
  v1::CreateUpscaleJobResponse response;
  auto writer = stub_->CreateUpscaleJob(&call, &response);
  v1::CreateUpscaleJobRequest request;
  *request.mutable_upload() = Start();
  ASSERT_TRUE(writer->Write(request));
  grpc::Status status;
  {
    // Again and again: nobody knows when the server has read the first message.
    const std::jthread time([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        stall_clock_.Advance(60s);
        stalls_.Look();
        std::this_thread::yield();
      }
    });
    status = writer->Finish();
  }

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ReasonIn(status), "UPLOAD_STALLED");
  EXPECT_EQ(jobs_->kept().jobs, 0U);
}

TEST_F(CreateJobTest, MakesNoJobOfACallThatIsCutOffBeforeThePictureIsWhole) {
  grpc::ClientContext call;
  v1::CreateUpscaleJobResponse response;
  auto writer = stub_->CreateUpscaleJob(&call, &response);
  v1::CreateUpscaleJobRequest request;
  *request.mutable_upload() = Start();
  ASSERT_TRUE(writer->Write(request));

  call.TryCancel();

  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(jobs_->kept().jobs, 0U);
}

}  // namespace
}  // namespace upscaler
