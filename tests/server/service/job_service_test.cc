#include "server/service/job_service.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/job_service_fixture.h"
#include "tests/support/delay_engine.h"
#include "tests/support/pictures.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/image.h"

namespace upscaler {
namespace {

using test::Chunk;
using test::DelayEngine;
using test::GradientPng;
using test::NoisePng;
using test::ReasonIn;
using test::Start;

using JobServiceTest = test::JobServiceFixture;

TEST_F(JobServiceTest, DoesAJobFromItsCreationToItsPictures) {
  const Creation creation = Create({Start(/*steps=*/2, /*images=*/2), Chunk(GradientPng(9, 6))});
  ASSERT_TRUE(creation.status.ok()) << creation.status.error_message();
  EXPECT_TRUE(creation.response.created());
  EXPECT_EQ(creation.response.job().output_size().width(), 18U);

  const Watched watched = Watch(creation.id());

  ASSERT_TRUE(watched.status.ok()) << watched.status.error_message();
  for (std::size_t i = 0; i < watched.events.size(); ++i) {
    EXPECT_EQ(watched.events[i].sequence(), i + 1);
    EXPECT_FALSE(watched.events[i].has_image_chunk());
  }
  EXPECT_TRUE(watched.events.front().has_accepted());
  EXPECT_TRUE(watched.events.back().has_completed());
  const v1::UpscaleJob job = Get(creation.id());
  EXPECT_EQ(job.state(), v1::UPSCALE_JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job.last_sequence(), watched.events.size());
  EXPECT_EQ(job.fraction(), 1);
  EXPECT_EQ(job.images_size(), 2);
  EXPECT_EQ(job.effective_spec().num_inference_steps(), 2U);
  for (const std::uint32_t index : {0U, 1U}) {
    const Download download = Fetch(creation.id(), /*offset=*/0, index);
    EXPECT_TRUE(download.status.ok()) << download.status.error_message();
    EXPECT_EQ(download.header.index(), index);
    const absl::StatusOr<Image> image = DecodeImage(download.bytes, {});
    ASSERT_THAT(image, test::IsOk());
    EXPECT_EQ(*image, DelayEngine::Doubled(test::Gradient(9, 6)));
  }
}

TEST_F(JobServiceTest, CancelsAJobThatRuns) {
  script_.HangPass({.seed = 1, .step = 2});
  const std::string id = CreateWell({Start(/*steps=*/200), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();

  EXPECT_TRUE(Cancel(id).ok());
  script_.Release();

  EXPECT_EQ(Watch(id).status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Get(id).state(), v1::UPSCALE_JOB_STATE_CANCELLED);
  EXPECT_EQ(Fetch(id).status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_LT(script_.passes().size(), 200U);
  EXPECT_EQ(admission_.rows(), 0U);
}

TEST_F(JobServiceTest, FreesThePlaceOfAJobThatIsCancelledWhileItWaits) {
  script_.HangPass({.seed = 1, .step = 1});
  CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  const std::string waiting = CreateWell({Start(), Chunk(GradientPng(8, 8))});
  EXPECT_EQ(Create({Start(), Chunk(GradientPng(8, 8))}).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);

  EXPECT_TRUE(Cancel(waiting).ok());

  EXPECT_EQ(Watch(waiting).status.error_code(), grpc::StatusCode::CANCELLED);
  CreateWell({Start(), Chunk(GradientPng(8, 8))});
}

TEST_F(JobServiceTest, CancelsAJobWhosePictureIsBeingDecoded) {
  script_.HangDecodings();
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();

  EXPECT_TRUE(Cancel(id).ok());
  script_.Release();

  EXPECT_EQ(Watch(id).status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(admission_.rows(), 0U);
}

TEST_F(JobServiceTest, LeavesAJobThatIsCancelledAfterItsEndAsItIs) {
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  ASSERT_TRUE(Watch(id).status.ok());

  EXPECT_TRUE(Cancel(id).ok());

  EXPECT_EQ(Get(id).state(), v1::UPSCALE_JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(Fetch(id).status.ok());
}

TEST_F(JobServiceTest, DeletesAJobThatRunsAndTellsItsWatchers) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(/*steps=*/200), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  grpc::ClientContext call;
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(id);
  auto watcher = stub_->WatchUpscaleJob(&call, request);
  v1::WatchUpscaleJobResponse event;
  ASSERT_TRUE(watcher->Read(&event));

  EXPECT_TRUE(Delete(id).ok());

  while (watcher->Read(&event)) continue;
  EXPECT_EQ(watcher->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  script_.Release();
  for (const grpc::Status& status : {Delete(id), Cancel(id), Watch(id).status, Fetch(id).status}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(ReasonIn(status), "JOB_GONE");
  }
  EXPECT_EQ(jobs_->kept().jobs, 0U);
}

TEST_F(JobServiceTest, ListsJobsNewestFirst) {
  const std::string first = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  ASSERT_TRUE(Watch(first).status.ok());
  const std::string second = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  grpc::ClientContext call;
  v1::ListUpscaleJobsResponse page;

  ASSERT_TRUE(stub_->ListUpscaleJobs(&call, {}, &page).ok());

  ASSERT_EQ(page.jobs_size(), 2);
  EXPECT_EQ(page.jobs(0).job_id(), second);
  EXPECT_EQ(page.jobs(1).job_id(), first);
}

class JobServiceOnDiskTest : public JobServiceTest {
 protected:
  JobServiceOnDiskTest() {
    folder_ = disk_.path();
    Restart();
  }

  const test::TemporaryFolder disk_;
};

TEST_F(JobServiceOnDiskTest, HasFinishedJobsAfterARestart) {
  const std::string id = CreateWell({Start(), Chunk(NoisePng())});
  const Watched before = Watch(id);
  ASSERT_TRUE(before.status.ok()) << before.status.error_message();
  const Download whole = Fetch(id);
  ASSERT_TRUE(whole.status.ok()) << whole.status.error_message();

  Restart();

  EXPECT_EQ(Serialized(Watch(id).events), Serialized(before.events));
  EXPECT_EQ(Fetch(id, /*offset=*/70'000).bytes, whole.bytes.substr(70'000));
  EXPECT_EQ(Get(id).state(), v1::UPSCALE_JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(Delete(id).ok());
  Restart();
  EXPECT_EQ(Watch(id).status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(JobServiceOnDiskTest, SaysWhatWasInterrupted) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  upscaler_.CancelAll();
  script_.Release();

  Restart();

  const Watched watched = Watch(id);
  EXPECT_EQ(watched.status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonIn(watched.status), "INTERRUPTED");
  EXPECT_TRUE(watched.events.front().has_accepted());
  EXPECT_EQ(Get(id).state(), v1::UPSCALE_JOB_STATE_INTERRUPTED);
}

}  // namespace
}  // namespace upscaler
