// The service of jobs behind a real gRPC server on loopback, in front of an engine without
// a model.

#include "server/service/job_service.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "telemetry/request_id.h"
#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_observer.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "worker/scheduler/replica_pool.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::DelayEngine;
using test::DelayEngines;
using test::EngineScript;
using test::GradientPng;
using test::NullObserver;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Uploads = std::vector<v1::UpscaleStreamRequest>;

// The reason that google.rpc.ErrorInfo names; every error has one.
std::string ReasonIn(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "none";
}

v1::UpscaleStreamRequest Start(std::uint32_t steps = 2, std::uint32_t images = 1) {
  v1::UpscaleStreamRequest message;
  message.mutable_start()->mutable_spec()->set_num_inference_steps(steps);
  message.mutable_start()->mutable_spec()->set_image_count(images);
  return message;
}

v1::UpscaleStreamRequest Chunk(std::string data) {
  v1::UpscaleStreamRequest message;
  message.mutable_chunk()->set_data(std::move(data));
  return message;
}

// A picture so large that it comes back in several chunks.
std::string NoisePng() {
  Image image{.width = 256, .height = 256, .pixels = {}};
  std::uint32_t state = 1;
  for (int i = 0; i < 256 * 256 * 3; ++i) {
    state = state * 1664525U + 1013904223U;
    image.pixels.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  return EncodeImage(image, {.format = ImageFormat::kPng}).value();
}

class JobServiceTest : public ::testing::Test {
 protected:
  JobServiceTest() {
    test::StartedVips();
    script_.sides = kSides;
    OpenDoor();
  }

  ~JobServiceTest() override {
    script_.Release();
    server_.reset();
    upscaler_.CancelAll();
    upscaler_.AwaitIdle(TimePoint::max());
    queue_.Close();
    EXPECT_THAT(script_.breaches(), IsEmpty());
  }

  void OpenDoor() {
    jobs_ = JobStore::Open({.limits = {.jobs = 100, .bytes = std::int64_t{64} << 20},
                            .ttl = 3600s,
                            .folder = folder_,
                            .now = std::chrono::system_clock::now,
                            .make_id = MakeRequestId})
                .value();
    service_ = std::make_unique<JobService>(CallContext{.upscaler = door_,
                                                        .clock = clock_,
                                                        .metrics = metrics_,
                                                        .logger = logger_,
                                                        .draw_seed = [this] { return ++seed_; },
                                                        .max_image_bytes = 1 << 20,
                                                        .uploads = uploads_,
                                                        .stalls = stalls_},
                                            *jobs_);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::UpscaleJobService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                               grpc::InsecureChannelCredentials()));
  }

  // As a server that ends and starts again with the same folder.
  void Restart() {
    server_->Shutdown();
    server_.reset();
    upscaler_.AwaitIdle(TimePoint::max());
    service_.reset();
    jobs_.reset();
    OpenDoor();
  }

  // One replica is enough.
  std::vector<std::unique_ptr<Engine>> MakeEngines() {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(engines_.Make("cpu").value());
    return engines;
  }

  struct Creation {
    grpc::Status status;
    v1::CreateUpscaleJobResponse response;

    const std::string& id() const { return response.job().job_id(); }
  };
  Creation Create(const Uploads& uploads, const std::string& request_id = "") {
    Creation creation;
    grpc::ClientContext call;
    auto writer = stub_->CreateUpscaleJob(&call, &creation.response);
    v1::CreateUpscaleJobRequest request;
    request.set_request_id(request_id);
    for (const v1::UpscaleStreamRequest& upload : uploads) {
      *request.mutable_upload() = upload;
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    creation.status = writer->Finish();
    return creation;
  }
  std::string CreateWell(const Uploads& uploads) {
    const Creation creation = Create(uploads);
    EXPECT_TRUE(creation.status.ok()) << creation.status.error_message();
    return creation.id();
  }

  v1::UpscaleJob Get(const std::string& id) {
    grpc::ClientContext call;
    v1::GetUpscaleJobRequest request;
    request.set_job_id(id);
    v1::GetUpscaleJobResponse response;
    EXPECT_TRUE(stub_->GetUpscaleJob(&call, request, &response).ok());
    return response.job();
  }

  grpc::Status Cancel(const std::string& id) {
    grpc::ClientContext call;
    v1::CancelUpscaleJobRequest request;
    request.set_job_id(id);
    v1::CancelUpscaleJobResponse response;
    return stub_->CancelUpscaleJob(&call, request, &response);
  }

  grpc::Status Delete(const std::string& id) {
    grpc::ClientContext call;
    v1::DeleteUpscaleJobRequest request;
    request.set_job_id(id);
    v1::DeleteUpscaleJobResponse response;
    return stub_->DeleteUpscaleJob(&call, request, &response);
  }

  // What a client sees that watches to the end, or until it has seen so many events.
  struct Watched {
    std::vector<v1::UpscaleStreamResponse> events;
    grpc::Status status;
  };
  Watched Watch(const std::string& id, std::uint64_t after = 0, std::size_t at_most = 1 << 20) {
    Watched watched;
    grpc::ClientContext call;
    v1::WatchUpscaleJobRequest request;
    request.set_job_id(id);
    request.set_after_sequence(after);
    auto reader = stub_->WatchUpscaleJob(&call, request);
    v1::WatchUpscaleJobResponse response;
    while (watched.events.size() < at_most && reader->Read(&response)) {
      watched.events.push_back(response.event());
    }
    if (watched.events.size() == at_most) call.TryCancel();
    watched.status = reader->Finish();
    return watched;
  }

  struct Download {
    v1::UpscaleStreamResponse::ImageHeader header;
    std::string bytes;
    grpc::Status status;
  };
  Download Fetch(const std::string& id, std::uint64_t offset = 0, std::uint32_t index = 0) {
    Download download;
    grpc::ClientContext call;
    v1::DownloadUpscaleJobRequest request;
    request.set_job_id(id);
    request.set_image_index(index);
    request.set_offset(offset);
    auto reader = stub_->DownloadUpscaleJob(&call, request);
    v1::DownloadUpscaleJobResponse response;
    while (reader->Read(&response)) {
      if (response.has_image_header()) download.header = response.image_header();
      download.bytes += response.image_chunk().data();
    }
    download.status = reader->Finish();
    return download;
  }

  static std::vector<std::string> Serialized(const std::vector<v1::UpscaleStreamResponse>& events) {
    std::vector<std::string> serialized;
    for (const auto& event : events) serialized.push_back(event.SerializeAsString());
    return serialized;
  }

  static constexpr SideRule kSides{.multiple = 8, .minimum = 16};

  std::string folder_;  // Of the jobs; empty: in memory.
  std::atomic<std::uint32_t> seed_ = 0;
  SteadyClock clock_;
  NullObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  std::ostringstream log_text_;
  Logger logger_{LogForm::kText, log_text_};
  Admission admission_{{.rows = 2}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/1};
  const SchedulerParts scheduler_{queue_, costs_, clock_, observer_};
  Metrics metrics_{{}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
  ThreadPool pool_{/*threads=*/1};
  ReplicaPool replicas_{scheduler_, engines_, {"cpu"}, MakeEngines(), {}};
  UploadBudget uploads_{/*bytes=*/4 << 20};
  test::FakeClock stall_clock_;
  StallWatch stalls_{stall_clock_, 60s};
  std::unique_ptr<JobStore> jobs_;
  Upscaler upscaler_{{.sides = kSides}, admission_, scheduler_, pool_};
  std::atomic<Upscaler*> door_{&upscaler_};
  std::unique_ptr<JobService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::UpscaleJobService::Stub> stub_;
};

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

TEST_F(JobServiceTest, LosesNoEventOfAWatchThatIsCutOff) {
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

TEST_F(JobServiceTest, TellsAllWatchersTheSame) {
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

TEST_F(JobServiceTest, RefusesToWatchFromBeyondTheEnd) {
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

TEST_F(JobServiceTest, DownloadsFromAnyOffset) {
  const std::string id = CreateWell({Start(), Chunk(NoisePng())});
  ASSERT_TRUE(Watch(id).status.ok());

  const Download whole = Fetch(id);

  ASSERT_TRUE(whole.status.ok()) << whole.status.error_message();
  const std::size_t total = whole.bytes.size();
  ASSERT_GT(total, std::size_t{2} << 16);
  EXPECT_EQ(whole.header.total_bytes(), total);
  for (const std::size_t offset : {std::size_t{1}, std::size_t{65'536}, total - 1, total}) {
    const Download rest = Fetch(id, offset);
    EXPECT_TRUE(rest.status.ok());
    EXPECT_EQ(rest.header.total_bytes(), total);
    EXPECT_EQ(rest.bytes, whole.bytes.substr(offset));
  }
  const Download beyond = Fetch(id, total + 1);
  EXPECT_EQ(beyond.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(beyond.status.error_message(), HasSubstr("offset"));
  const Download none = Fetch(id, 0, /*index=*/1);
  EXPECT_EQ(none.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(none.status.error_message(), HasSubstr("image_index"));
}

TEST_F(JobServiceTest, HasNothingToDownloadBeforeTheEnd) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});

  const grpc::Status status = Fetch(id).status;

  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(status), "JOB_NOT_FINISHED");
}

TEST_F(JobServiceTest, RunsARequestOnceThoughItIsCreatedTwice) {
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

TEST_F(JobServiceTest, TellsRequestsApartThatShareAnId) {
  ASSERT_TRUE(Create({Start(), Chunk(GradientPng(16, 16))}, "mine").status.ok());

  for (const Uploads& other : {Uploads{Start(), Chunk(GradientPng(16, 8))},
                               {Start(/*steps=*/3), Chunk(GradientPng(16, 16))}}) {
    const grpc::Status status = Create(other, "mine").status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
    EXPECT_EQ(ReasonIn(status), "REQUEST_ID_REUSED");
  }
}

TEST_F(JobServiceTest, MakesOneJobOfOneRequestThatComesFourTimesAtOnce) {
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

TEST_F(JobServiceTest, MakesNoJobOfAStreamThatBreaksTheOrder) {
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

TEST_F(JobServiceTest, MakesNoJobWhereThereIsNoRoom) {
  script_.HangPass({.seed = 1, .step = 1});
  CreateWell({Start(/*steps=*/2, /*images=*/2), Chunk(GradientPng(16, 16))});

  const grpc::Status status = Create({Start(), Chunk(GradientPng(16, 16))}, "mine").status;

  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(jobs_->kept().jobs, 1U);
}

TEST_F(JobServiceTest, GoesOnWithAJobWhoseWatcherHasGone) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});
  script_.AwaitHanging();
  EXPECT_EQ(Watch(id, /*after=*/0, /*at_most=*/1).status.error_code(), grpc::StatusCode::CANCELLED);

  script_.Release();

  EXPECT_TRUE(Watch(id).status.ok());
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
    EXPECT_EQ(ReasonIn(status), "JOB_NOT_FOUND");
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

TEST_F(JobServiceTest, EndsWithTheErrorOfTheWork) {
  script_.FailRow({.seed = 1, .step = 2}, absl::InternalError("not finite"));
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});

  const Watched watched = Watch(id);

  EXPECT_EQ(watched.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_FALSE(watched.events.empty());
  EXPECT_EQ(Get(id).state(), v1::UPSCALE_JOB_STATE_FAILED);
  EXPECT_EQ(Get(id).error().code(), 13U);
  EXPECT_EQ(Fetch(id).status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(JobServiceTest, EndsClientsThatDoNotSendTheRest) {
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

TEST_F(JobServiceTest, MakesNoJobOfACallThatIsCutOffBeforeThePictureIsWhole) {
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
