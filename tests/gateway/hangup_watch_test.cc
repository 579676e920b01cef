#include "gateway/hangup_watch.h"

#include <future>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

class HangupWatchTest : public ::testing::Test {
 protected:
  HangupWatchTest() { ::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_); }

  ~HangupWatchTest() override {
    CloseClient();
    ::close(sockets_[0]);
  }

  void CloseClient() {
    if (sockets_[1] >= 0) ::close(std::exchange(sockets_[1], -1));
  }

  HangupWatch::Ticket Watch() {
    return watch_->Add(sockets_[0], [this] { hung_up_.set_value(); });
  }

  bool HasHungUp() {
    return hung_up_.get_future().wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  int sockets_[2] = {-1, -1};  // The server's end, and the client's.
  std::promise<void> hung_up_;
  std::unique_ptr<HangupWatch> watch_ = *HangupWatch::Start();
};

TEST_F(HangupWatchTest, NoticesAClientThatCloses) {
  Watch();

  CloseClient();

  hung_up_.get_future().wait();
}

TEST_F(HangupWatchTest, NoticesAClientThatClosedBefore) {
  CloseClient();

  Watch();

  hung_up_.get_future().wait();
}

TEST_F(HangupWatchTest, ForgetsASocketThatWasRemoved) {
  watch_->Remove(Watch());

  CloseClient();
  watch_->HangUpAll();

  EXPECT_FALSE(HasHungUp());
}

TEST_F(HangupWatchTest, HangsUpOnEveryoneOnce) {
  Watch();

  watch_->HangUpAll();
  watch_->HangUpAll();

  EXPECT_TRUE(HasHungUp());
}

TEST_F(HangupWatchTest, HangsUpOnLatecomers) {
  watch_->HangUpAll();

  Watch();

  EXPECT_TRUE(HasHungUp());
}

}  // namespace
}  // namespace upscaler
