#include "server/service/watch_job.h"

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/job_service_fixture.h"
#include "tests/support/pictures.h"

namespace upscaler {
namespace {

using test::Chunk;
using test::GradientPng;
using test::ReasonIn;
using test::Start;
using ::testing::HasSubstr;

using WatchJobTest = test::JobServiceFixture;

TEST_F(WatchJobTest, LosesNoEventOfAWatchThatIsCutOff) {
  script_.HangPass({.seed = 1, .step = 3});
  const std::string id = CreateWell({Start(/*steps=*/6), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();

  std::vector<v1::UpscaleStreamResponse> seen = Watch(id, /*after=*/0, /*at_most=*/3).events;
  ASSERT_EQ(seen.size(), 3U);
  script_.Release();
  const Watched rest = Watch(id, seen.back().sequence());
  seen.insert(seen.end(), rest.events.begin(), rest.events.end());

  EXPECT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(Serialized(seen), Serialized(Watch(id).events));
}

TEST_F(WatchJobTest, TellsAtOnceThatItWatchesAJobOfWhichNothingIsHeard) {
  script_.HangPass({.seed = 1, .step = 3});
  const std::string id = CreateWell({Start(/*steps=*/6), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  grpc::ClientContext call;
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(id);
  request.set_after_sequence(Get(id).last_sequence());

  auto watcher = stub_->WatchUpscaleJob(&call, request);
  watcher->WaitForInitialMetadata();

  EXPECT_EQ(call.GetServerInitialMetadata().count("x-upscaler-watching"), 1U);
  script_.Release();
}

TEST_F(WatchJobTest, DoesNotTellThatItWatchesWhereItEndsAtOnce) {
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  const std::uint64_t last = Watch(id).events.back().sequence();
  for (const std::uint64_t after : {last, last + 1}) {
    grpc::ClientContext call;
    v1::WatchUpscaleJobRequest request;
    request.set_job_id(id);
    request.set_after_sequence(after);

    auto watcher = stub_->WatchUpscaleJob(&call, request);
    watcher->WaitForInitialMetadata();

    EXPECT_EQ(call.GetServerInitialMetadata().count("x-upscaler-watching"), 0U);
  }
}

TEST_F(WatchJobTest, TellsAllWatchersTheSame) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(/*steps=*/20), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  std::vector<Watched> watched(3);
  {
    std::vector<std::jthread> watchers;
    for (Watched& one : watched) watchers.emplace_back([&] { one = Watch(id); });
    script_.Release();
  }

  for (const Watched& one : watched) {
    EXPECT_TRUE(one.status.ok());
    EXPECT_EQ(Serialized(one.events), Serialized(Watch(id).events));
  }
}

TEST_F(WatchJobTest, LetsSixteenWatchAtATime) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  v1::WatchUpscaleJobRequest request;
  request.set_job_id(id);
  v1::WatchUpscaleJobResponse event;
  std::deque<grpc::ClientContext> calls;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchUpscaleJobResponse>>> watchers;
  for (int i = 0; i < 16; ++i) {
    watchers.push_back(stub_->WatchUpscaleJob(&calls.emplace_back(), request));
    ASSERT_TRUE(watchers.back()->Read(&event));
  }

  const grpc::Status refused = Watch(id).status;
  script_.Release();

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(refused), "TOO_MANY_WATCHERS");
  for (const auto& watcher : watchers) {
    while (watcher->Read(&event)) continue;
    EXPECT_TRUE(watcher->Finish().ok());
  }
}

TEST_F(WatchJobTest, RefusesToWatchFromBeyondTheEnd) {
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  ASSERT_TRUE(Watch(id).status.ok());
  const std::uint64_t last = Get(id).last_sequence();

  const Watched at_the_end = Watch(id, last);
  const Watched beyond = Watch(id, last + 1);

  EXPECT_TRUE(at_the_end.status.ok());
  EXPECT_TRUE(at_the_end.events.empty());
  EXPECT_EQ(beyond.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(beyond.status.error_message(), HasSubstr("after_sequence"));
}

TEST_F(WatchJobTest, RefusesToWatchFromAnEventThatARunningJobHasNotHad) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();

  const Watched watched = Watch(id, /*after=*/1000);

  EXPECT_EQ(watched.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(watched.status.error_message(), HasSubstr("after_sequence"));
}

TEST_F(WatchJobTest, GoesOnWithAJobWhoseWatcherHasGone) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  EXPECT_EQ(Watch(id, /*after=*/0, /*at_most=*/1).status.error_code(), grpc::StatusCode::CANCELLED);

  script_.Release();

  EXPECT_TRUE(Watch(id).status.ok());
}

TEST_F(WatchJobTest, EndsWithTheErrorOfTheWork) {
  script_.FailRow({.seed = 1, .step = 2}, absl::InternalError("not finite"));
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});

  const Watched watched = Watch(id);

  EXPECT_EQ(watched.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_FALSE(watched.events.empty());
  EXPECT_EQ(Get(id).state(), v1::UPSCALE_JOB_STATE_FAILED);
  EXPECT_EQ(Get(id).error().code(), 13U);
  EXPECT_EQ(Fetch(id).status.error_code(), grpc::StatusCode::INTERNAL);
}

}  // namespace
}  // namespace upscaler
