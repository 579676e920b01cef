// Both forms of the client's call, against a service on the loopback.

#include "client/upscale_call.h"

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/channel.h"
#include "client/upscale.h"
#include "common/crc32.h"
#include "common/error_details.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeUpscalerService;
using test::GoodScript;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::Optional;
using ::testing::SizeIs;

UpscaleOrder OrderOf(std::string image) { return {.image = std::move(image)}; }

TEST(UpscaleCallTest, SendsThePictureInChunksAndBringsTheAnswer) {
  FakeUpscalerService service(GoodScript({"first picture", "second"}));
  const std::string image(200'000, 'x');
  UpscaleOrder order = OrderOf(image);
  order.spec.set_prompt("a cat");
  order.api_key = "key-1";
  order.request_id = "request-1";
  order.via = "carrier pigeon";

  const auto response = Upscale(MakeChannel(service.target()), std::move(order));

  ASSERT_THAT(response, IsOk());
  ASSERT_EQ(response->images_size(), 2);
  EXPECT_EQ(response->images(0).data(), "first picture");
  EXPECT_EQ(response->images(1).seed(), 8U);
  EXPECT_EQ(response->effective_spec().num_inference_steps(), 25U);
  EXPECT_THAT(response->warnings(), ElementsAre("the prompt was cut"));
  const auto received = service.received();
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].image, image);
  EXPECT_EQ(received[0].start.spec().prompt(), "a cat");
  EXPECT_EQ(received[0].start.total_bytes(), image.size());
  EXPECT_EQ(received[0].start.crc32(), Crc32(image));
  EXPECT_FALSE(received[0].start.has_latents());
  EXPECT_EQ(received[0].authorization, "Bearer key-1");
  EXPECT_EQ(received[0].request_id, "request-1");
  EXPECT_EQ(received[0].via, "carrier pigeon");
  EXPECT_EQ(received[0].largest_chunk, 64U * 1024U);
}

TEST(UpscaleCallTest, TellsEveryEventButTheChunks) {
  FakeUpscalerService service(GoodScript({"picture"}));
  using Event = v1::UpscaleStreamResponse;
  std::vector<Event::EventCase> events;

  const auto response = Upscale(MakeChannel(service.target()), OrderOf("image"),
                                [&](const Event& event) { events.push_back(event.event_case()); });

  EXPECT_THAT(response, IsOk());
  EXPECT_THAT(events, ElementsAre(Event::kAccepted, Event::kQueued, Event::kProgress,
                                  Event::kImageHeader, Event::kCompleted));
}

TEST(UpscaleCallTest, BringsTheServersError) {
  FakeUpscalerService service({.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "full"}});

  const auto response = Upscale(MakeChannel(service.target()), OrderOf("image"));

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(UpscaleCallTest, FailsWhenTheServerBreaksTheContract) {
  v1::UpscaleStreamResponse chunk;
  chunk.mutable_image_chunk()->set_data("headless");
  FakeUpscalerService service({.events = {chunk}, .hold = true});

  const auto response = Upscale(MakeChannel(service.target()), OrderOf("image"));

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kInternal));
}

TEST(UpscaleCallTest, FailsWhenTheServerEndsWithoutAnAnswer) {
  FakeUpscalerService service({.status = grpc::Status::OK});

  const auto response = Upscale(MakeChannel(service.target()), OrderOf("image"));

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kInternal));
}

TEST(UpscaleCallTest, RefusesTextThatIsNotUtf8) {
  UpscaleOrder order = OrderOf("image");
  order.spec.set_negative_prompt("caf\xe9");

  const auto response = Upscale(MakeChannel("127.0.0.1:1"), std::move(order));

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(response.status()), Optional(std::string("negative_prompt")));
}

TEST(UpscaleCallTest, SaysWhatLatentsItSends) {
  FakeUpscalerService service(GoodScript({"picture"}));
  UpscaleOrder order = OrderOf(std::string(32, 'x'));
  order.latents.emplace().set_family(v1::LATENTS_FAMILY_STABLE_DIFFUSION_2);

  const auto response = Upscale(MakeChannel(service.target()), std::move(order));

  ASSERT_THAT(response, IsOk());
  const auto received = service.received();
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].start.latents().family(), v1::LATENTS_FAMILY_STABLE_DIFFUSION_2);
  EXPECT_EQ(received[0].authorization, "");
}

TEST(UpscaleCallTest, RefusesAKeyThatCannotBeSent) {
  for (const char* key : {"line\nbreak", "caf\xe9", " padded"}) {
    UpscaleOrder order = OrderOf("image");
    order.api_key = key;

    const auto response = Upscale(MakeChannel("127.0.0.1:1"), std::move(order));

    EXPECT_THAT(response, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(FieldOf(response.status()), Optional(std::string("api_key")));
  }
}

TEST(UpscaleCallTest, ReportsAServerThatIsNotThereWithoutAReason) {
  const auto response = Upscale(MakeChannel("127.0.0.1:1"), OrderOf("image"), nullptr, kNoRetries);

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(response.status()), std::nullopt);
}

TEST(UpscaleCallTest, KeepsTheTimeout) {
  FakeUpscalerService service({.hold = true});
  UpscaleOrder order = OrderOf("image");
  order.timeout = 1ms;

  const auto response = Upscale(MakeChannel(service.target()), std::move(order));

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kDeadlineExceeded));
}

class CancelTest : public ::testing::Test {
 protected:
  void Start() {
    call_->Start(channel_, OrderOf("image"),
                 {.on_done = [this](const auto& response) { done_.set_value(response.status()); }});
  }

  absl::Status AwaitDone() { return done_.get_future().get(); }

  FakeUpscalerService service_{{.hold = true}};
  const std::shared_ptr<grpc::Channel> channel_ = MakeChannel(service_.target());
  const std::shared_ptr<UpscaleCall> call_ = UpscaleCall::Create();
  std::promise<absl::Status> done_;
};

TEST_F(CancelTest, EndsTheCallOnBothSides) {
  Start();
  service_.AwaitReceived(1);

  call_->Cancel();

  EXPECT_THAT(AwaitDone(), StatusIs(absl::StatusCode::kCancelled));
  service_.AwaitCancelled(1);
}

TEST_F(CancelTest, MayComeBeforeTheStart) {
  call_->Cancel();

  Start();

  EXPECT_THAT(AwaitDone(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(CancelTest, DoesNothingAfterTheEnd) {
  call_->Cancel();
  Start();
  EXPECT_THAT(AwaitDone(), StatusIs(absl::StatusCode::kCancelled));

  call_->Cancel();
}

}  // namespace
}  // namespace upscaler
