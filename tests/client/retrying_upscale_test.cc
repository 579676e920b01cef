// Both forms that try again, against a service on the loopback. The waits are real, but
// of a millisecond, or endless.

#include "client/retrying_upscale.h"

#include <future>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/channel.h"
#include "client/upscale.h"
#include "common/error_details.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeUpscalerService;
using test::GoodScript;
using test::IsOk;
using test::QueueFull;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr RetryOptions kQuick{.first_delay = 1ms, .max_delay = 1ms};

class RetryingUpscaleTest : public ::testing::Test {
 protected:
  void Start(UpscaleOrder order = {.image = "image"}) {
    upscale_->Start(channel_, std::move(order),
                    {.on_retry =
                         [this](const absl::Status& status, auto /*delay*/) {
                           retried_.push_back(status.code());
                           waiting_.set_value();
                         },
                     .on_done = [this](auto response) { done_.set_value(std::move(response)); }});
  }

  FakeUpscalerService service_{GoodScript({"picture"})};
  const std::shared_ptr<grpc::Channel> channel_ = MakeChannel(service_.target());
  const SteadyClock clock_{};
  const std::shared_ptr<RetryingUpscale> upscale_ = RetryingUpscale::Create(kQuick, clock_);
  std::vector<absl::StatusCode> retried_;
  std::promise<void> waiting_;
  std::promise<absl::StatusOr<v1::UpscaleResponse>> done_;
};

TEST_F(RetryingUpscaleTest, ComesBackToAFullQueueWithTheWholeOrder) {
  service_.set_first({{.status = QueueFull(1ms)}});

  Start({.image = "image", .api_key = "key"});

  const auto response = done_.get_future().get();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->images(0).data(), "picture");
  EXPECT_THAT(retried_, ElementsAre(absl::StatusCode::kResourceExhausted));
  const auto received = service_.received();
  ASSERT_THAT(received, SizeIs(2));
  EXPECT_EQ(received[1].image, "image");
  EXPECT_EQ(received[1].start.crc32(), received[0].start.crc32());
  EXPECT_EQ(received[1].authorization, "Bearer key");
}

TEST_F(RetryingUpscaleTest, StopsWaitingWhenItIsCancelled) {
  service_.set_first({{.status = QueueFull(1h)}});
  Start();
  waiting_.get_future().wait();

  upscale_->Cancel();

  EXPECT_THAT(done_.get_future().get(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(RetryingUpscaleTest, DoesNotWaitWhenItIsCancelledBeforeTheWaitBegins) {
  service_.set_first({{.status = QueueFull(1h)}});

  upscale_->Start(
      channel_, {.image = "image"},
      {.on_retry = [this](const auto& /*status*/, auto /*delay*/) { upscale_->Cancel(); },
       .on_done = [this](auto response) { done_.set_value(std::move(response)); }});

  EXPECT_THAT(done_.get_future().get(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(RetryingUpscaleTest, EndsTheCallWhenItIsCancelled) {
  service_.set_first({{.hold = true}});
  Start();
  service_.AwaitReceived(1);

  upscale_->Cancel();

  EXPECT_THAT(done_.get_future().get(), StatusIs(absl::StatusCode::kCancelled));
  service_.AwaitCancelled(1);
}

TEST_F(RetryingUpscaleTest, MayBeCancelledBeforeItStarts) {
  upscale_->Cancel();

  Start();

  EXPECT_THAT(done_.get_future().get(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(RetryingUpscaleTest, ReportsAtOnceWhatCannotBeDoneInTime) {
  service_.set_first({{.status = QueueFull(1h)}});

  Start({.image = "image", .timeout = 1min});

  EXPECT_THAT(done_.get_future().get(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(retried_, SizeIs(0));
}

TEST(BlockingUpscaleTest, TriesAgain) {
  FakeUpscalerService service(GoodScript({"picture"}));
  service.set_first(
      {{.status = {grpc::StatusCode::UNAVAILABLE, "starting"}}, {.status = QueueFull(1ms)}});

  const auto response = Upscale(MakeChannel(service.target()), {.image = "image"}, nullptr, kQuick);

  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(service.received(), SizeIs(3));
}

TEST(BlockingUpscaleTest, GivesUpAfterTheAttemptsAllowed) {
  FakeUpscalerService service({.status = QueueFull(1ms)});

  const auto response = Upscale(MakeChannel(service.target()), {.image = "image"}, nullptr,
                                {.max_attempts = 2, .first_delay = 1ms});

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(service.received(), SizeIs(2));
}

TEST(BlockingUpscaleTest, DoesNotRepeatWhatWillNeverWork) {
  FakeUpscalerService service({.status = {grpc::StatusCode::INVALID_ARGUMENT, "image: no"}});

  const auto response = Upscale(MakeChannel(service.target()), {.image = "image"}, nullptr, kQuick);

  EXPECT_THAT(response, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(service.received(), SizeIs(1));
}

}  // namespace
}  // namespace upscaler
