// The service behind a real gRPC server on loopback, in front of an engine
// without a model.

#include "server/service/upscaler_service.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include "server/service/grpc_server.h"
#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kept_spans.h"
#include "tests/support/null_observer.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "worker/scheduler/replica_pool.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::DelayEngine;
using test::DelayEngines;
using test::EngineScript;
using test::GradientPng;
using test::IsOk;
using test::KeptSpans;
using test::NullObserver;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UpscalerServiceTest : public ::testing::Test {
 protected:
  UpscalerServiceTest() {
    test::StartedVips();
    script_.sides = kSides;
    server_ = GrpcServer::Start({.address = "127.0.0.1:0"}, {&service_}).value();
    stub_ = v1::UpscalerService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials()));
  }

  ~UpscalerServiceTest() override {
    server_.reset();
    upscaler_.AwaitIdle(TimePoint::max());
    queue_.Close();
    EXPECT_THAT(script_.breaches(), IsEmpty());
  }

  // One replica is enough.
  std::vector<std::unique_ptr<Engine>> MakeEngines() {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(engines_.Make("cpu").value());
    return engines;
  }

  grpc::Status Upscale(const std::string& image, v1::UpscaleResponse& response) {
    grpc::ClientContext call;
    v1::UpscaleRequest request;
    request.set_image(image);
    request.mutable_spec()->set_num_inference_steps(2);
    return stub_->Upscale(&call, request, &response);
  }

  // What the server does with a stream of `messages`.
  struct StreamResult {
    std::vector<v1::UpscaleStreamResponse> events;
    grpc::Status status;
  };
  StreamResult Stream(const std::vector<v1::UpscaleStreamRequest>& messages) {
    grpc::ClientContext call;
    auto stream = stub_->UpscaleStream(&call);
    for (const auto& message : messages) {
      if (!stream->Write(message)) break;
    }
    stream->WritesDone();
    StreamResult result;
    v1::UpscaleStreamResponse event;
    while (stream->Read(&event)) result.events.push_back(event);
    result.status = stream->Finish();
    return result;
  }

  static v1::UpscaleStreamRequest Start(std::uint32_t steps = 2) {
    v1::UpscaleStreamRequest message;
    message.mutable_start()->mutable_spec()->set_num_inference_steps(steps);
    return message;
  }
  static v1::UpscaleStreamRequest Chunk(std::string data) {
    v1::UpscaleStreamRequest message;
    message.mutable_chunk()->set_data(std::move(data));
    return message;
  }

  static constexpr SideRule kSides{.multiple = 8, .minimum = 16};

  SteadyClock clock_;
  NullObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  std::ostringstream log_text_;
  Logger logger_{LogForm::kText, log_text_};
  KeptSpans spans_;
  const Tracer tracer_{&spans_, /*sample_ratio=*/0, clock_, std::chrono::system_clock::now};
  Admission admission_{{.rows = 2}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/2};
  const SchedulerParts scheduler_{queue_, costs_, clock_, observer_};
  Metrics metrics_{{}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
  ThreadPool pool_{/*threads=*/1};
  ReplicaPool replicas_{scheduler_, engines_, {"cpu"}, MakeEngines(), {}};
  Upscaler upscaler_{{.rules = {.sides = kSides, .latents = LatentsRule()}},
                     admission_,
                     scheduler_,
                     {pool_, pool_}};
  std::atomic<Upscaler*> door_{&upscaler_};
  UploadBudget uploads_{/*bytes=*/4 << 20};
  test::FakeClock patient_;
  StallWatch stalls_{patient_, 60s};
  AccessControl access_{clock_};
  UpscalerService service_{{.upscaler = door_,
                            .clock = clock_,
                            .metrics = metrics_,
                            .logger = logger_,
                            .tracer = tracer_,
                            .draw_seed = [] { return 5U; },
                            .max_image_bytes = 1 << 20,
                            .uploads = uploads_,
                            .stalls = stalls_,
                            .access = access_}};
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::UpscalerService::Stub> stub_;
};

TEST_F(UpscalerServiceTest, AnswersAPictureWithItsDouble) {
  v1::UpscaleResponse response;

  const grpc::Status status = Upscale(GradientPng(9, 6), response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.images_size(), 1);
  EXPECT_EQ(response.images(0).size().width(), 18U);
  EXPECT_EQ(response.images(0).size().height(), 12U);
  EXPECT_EQ(response.images(0).seed(), 5U);
  EXPECT_EQ(response.effective_spec().num_inference_steps(), 2U);
  const absl::StatusOr<Image> image = DecodeImage(response.images(0).data(), {});
  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(*image, DelayEngine::Doubled(test::Gradient(9, 6)));
}

TEST_F(UpscalerServiceTest, RefusesWhatIsNoPictureAndLivesOn) {
  v1::UpscaleResponse response;
  const grpc::Status refusal = Upscale("not a picture", response);
  EXPECT_EQ(refusal.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refusal.error_message(), HasSubstr("image"));

  EXPECT_TRUE(Upscale(GradientPng(4, 4), response).ok());
}

TEST_F(UpscalerServiceTest, StreamsEventsInOrderAndNumbersThem) {
  const StreamResult result = Stream({Start(), Chunk(GradientPng(16, 16))});

  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  ASSERT_GE(result.events.size(), 5U);
  EXPECT_TRUE(result.events[0].has_accepted());
  EXPECT_EQ(result.events[0].accepted().output_size().width(), 32U);
  EXPECT_EQ(result.events[0].accepted().tile_count(), 1U);
  EXPECT_EQ(result.events[0].accepted().effective_spec().scale(), 2U);
  EXPECT_TRUE(result.events[1].has_queued());
  EXPECT_TRUE(result.events.back().has_completed());
  std::string picture;
  for (std::size_t i = 0; i < result.events.size(); ++i) {
    EXPECT_EQ(result.events[i].sequence(), i + 1);
    picture += result.events[i].image_chunk().data();
  }
  const absl::StatusOr<Image> image = DecodeImage(picture, {});
  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(image->width, 32);
}

TEST_F(UpscalerServiceTest, RefusesStreamsThatBreakTheOrder) {
  for (const auto& messages : std::vector<std::vector<v1::UpscaleStreamRequest>>{
           {}, {Chunk("x")}, {Start(), Start()}, {Start()}, {Start(/*steps=*/0)}}) {
    const StreamResult result = Stream(messages);
    EXPECT_EQ(result.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(result.events.empty());
  }
  EXPECT_EQ(admission_.rows(), 0U);
}

TEST_F(UpscalerServiceTest, StopsWorkingWhenTheCallerCancels) {
  grpc::ClientContext call;
  auto stream = stub_->UpscaleStream(&call);
  ASSERT_TRUE(stream->Write(Start(/*steps=*/200)));
  ASSERT_TRUE(stream->Write(Chunk(GradientPng(16, 16))));
  script_.before_step = [&, first = true](const EngineScript::Seeds& /*seeds*/) mutable {
    if (std::exchange(first, false)) call.TryCancel();
    // As slow as a model, so that the news arrives before all steps are done: four
    // seconds are left for it, of which none is used when all is well.
    std::this_thread::sleep_for(20ms);
  };
  stream->WritesDone();
  v1::UpscaleStreamResponse event;
  while (stream->Read(&event)) continue;

  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  v1::UpscaleResponse response;
  EXPECT_TRUE(Upscale(GradientPng(4, 4), response).ok());
  EXPECT_LT(script_.passes().size(), 200U);
}

TEST_F(UpscalerServiceTest, RefusesNewCallsWhileItDrains) {
  upscaler_.Close();
  v1::UpscaleResponse response;

  EXPECT_EQ(Upscale(GradientPng(4, 4), response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(UpscalerServiceTest, RefusesASecondServerAtTheSamePort) {
  const std::string taken = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_THAT(GrpcServer::Start({.address = taken}, {&service_}),
              test::StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(UpscalerServiceTest, RefusesRequestsWhileTheModelLoads) {
  door_ = nullptr;
  v1::UpscaleResponse response;
  const grpc::Status unary = Upscale(GradientPng(4, 4), response);
  const StreamResult stream = Stream({Start(), Chunk(GradientPng(4, 4))});
  door_ = &upscaler_;

  for (const grpc::Status& status : {unary, stream.status}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("loading"));
  }
}

TEST_F(UpscalerServiceTest, EndsAnUploadThatStalls) {
  grpc::ClientContext call;
  auto stream = stub_->UpscaleStream(&call);
  ASSERT_TRUE(stream->Write(Start()));
  std::jthread looks([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) patient_.Advance(1s), stalls_.Look();
  });

  v1::UpscaleStreamResponse event;
  EXPECT_FALSE(stream->Read(&event));

  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_details(), HasSubstr("UPLOAD_STALLED"));
  EXPECT_EQ(uploads_.taken(), 0);
}

TEST_F(UpscalerServiceTest, StreamsPreviewsOnTheWay) {
  v1::UpscaleStreamRequest start = Start(/*steps=*/6);
  start.mutable_start()->mutable_spec()->set_preview_count(2);

  const StreamResult result = Stream({start, Chunk(GradientPng(16, 16))});

  ASSERT_TRUE(result.status.ok()) << result.status.error_message();
  std::vector<std::uint32_t> steps;
  for (const v1::UpscaleStreamResponse& event : result.events) {
    if (!event.has_preview()) continue;
    steps.push_back(event.preview().step());
    EXPECT_EQ(event.preview().total_steps(), 6U);
    EXPECT_THAT(DecodeImage(event.preview().data(), {}), IsOk());
  }
  EXPECT_THAT(steps, ElementsAre(2U, 4U));
}

TEST_F(UpscalerServiceTest, TakesAndReturnsLatents) {
  // [4, 1, 1] of float32.
  const std::string numbers = SerializeLatents(
      {.channels = 4, .height = 1, .width = 1, .reduction = 8, .values = {1, 2, 3, 4}});
  grpc::ClientContext call;
  v1::UpscaleRequest request;
  v1::LatentsInfo& info = *request.mutable_latents()->mutable_info();
  info.set_family(v1::LATENTS_FAMILY_STABLE_DIFFUSION_1);
  info.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
  info.set_height(1);
  info.set_width(1);
  request.mutable_latents()->set_data(numbers);
  request.mutable_spec()->set_output_type(v1::OUTPUT_TYPE_LATENTS);
  v1::UpscaleResponse response;

  const grpc::Status status = stub_->Upscale(&call, request, &response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.images(0).latents().height(), 2U);
  EXPECT_EQ(response.images(0).data(),
            SerializeLatents({.channels = 4,
                              .height = 2,
                              .width = 2,
                              .reduction = 8,
                              .values = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4}}));
}

TEST_F(UpscalerServiceTest, EstimatesWithoutRunning) {
  grpc::ClientContext call;
  v1::EstimateUpscaleRequest request;
  request.mutable_image_size()->set_width(9);
  request.mutable_image_size()->set_height(6);
  v1::EstimateUpscaleResponse response;

  const grpc::Status status = stub_->EstimateUpscale(&call, request, &response);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.output_size().width(), 18U);
  EXPECT_EQ(response.effective_spec().num_inference_steps(), 25U);
  EXPECT_FALSE(response.effective_spec().has_seed());
  EXPECT_FALSE(response.has_work());  // Nothing was measured.
  EXPECT_EQ(script_.admitted(), 0U);
}

TEST_F(UpscalerServiceTest, EstimatesAtTheSizeToResizeTo) {
  grpc::ClientContext call;
  v1::EstimateUpscaleRequest request;
  request.mutable_image_size()->set_width(9);
  request.mutable_image_size()->set_height(6);
  *request.mutable_spec()->mutable_resize_to() = request.image_size();
  request.mutable_spec()->mutable_resize_to()->set_width(5);

  v1::EstimateUpscaleResponse response;
  ASSERT_TRUE(stub_->EstimateUpscale(&call, request, &response).ok());
  EXPECT_EQ(response.output_size().width(), 10U);
}

TEST_F(UpscalerServiceTest, EstimatesTheSizeAtTheScale) {
  grpc::ClientContext call;
  v1::EstimateUpscaleRequest request;
  request.mutable_image_size()->set_width(9);
  request.mutable_image_size()->set_height(6);
  request.mutable_spec()->set_scale(4);

  v1::EstimateUpscaleResponse response;
  ASSERT_TRUE(stub_->EstimateUpscale(&call, request, &response).ok());
  EXPECT_EQ(response.output_size().width(), 36U);
  EXPECT_EQ(response.output_size().height(), 24U);
  EXPECT_EQ(response.tile_count(), 1U);
  EXPECT_EQ(response.effective_spec().scale(), 4U);
}

TEST_F(UpscalerServiceTest, EstimatesNothingWithoutASizeThatCanBe) {
  v1::EstimateUpscaleRequest without;
  v1::EstimateUpscaleRequest empty;
  empty.mutable_image_size()->set_width(9);
  for (const auto& [request, field] :
       {std::pair(without, "input"), std::pair(empty, "image_size.height")}) {
    grpc::ClientContext call;
    v1::EstimateUpscaleResponse response;

    const grpc::Status status = stub_->EstimateUpscale(&call, request, &response);

    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_details(), HasSubstr(field));
  }
}

}  // namespace
}  // namespace upscaler
