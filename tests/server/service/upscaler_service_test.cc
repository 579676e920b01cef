// The service behind a real gRPC server on loopback, in front of an engine
// without a model.

#include "server/service/upscaler_service.h"

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
using test::NullObserver;
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
  Admission admission_{{.rows = 2}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/2};
  const SchedulerParts scheduler_{queue_, costs_, clock_, observer_};
  Metrics metrics_{{}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
  ThreadPool pool_{/*threads=*/1};
  ReplicaPool replicas_{scheduler_, engines_, {"cpu"}, MakeEngines(), {}};
  Upscaler upscaler_{{.sides = kSides}, admission_, scheduler_, pool_};
  UpscalerService service_{{.upscaler = upscaler_,
                            .clock = clock_,
                            .metrics = metrics_,
                            .logger = logger_,
                            .draw_seed = [] { return 5U; },
                            .max_image_bytes = 1 << 20}};
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

}  // namespace
}  // namespace upscaler
