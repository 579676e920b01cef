// How long the memory of a body counts, where the service is another process.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mutex.h"
#include "tests/gateway/gateway_fixture.h"

namespace upscaler {
namespace {

using test::GoodScript;
using test::HttpConnection;

constexpr std::size_t kPictureBytes = 50'000;

// Takes connections and never says a word: calls wait until it does.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(socket_, /*backlog=*/16);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    target_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  }
  ~SilentServer() { ::close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  const std::string& target() const { return target_; }

 private:
  const int socket_;
  std::string target_;
};

class GatewayUploadsTest : public test::GatewayTest {
 protected:
  GatewayUploadsTest() {
    counts_unsent_ = true;
    // It is asked while the form is read, and again when the call begins.
    model_ = [this] {
      const MutexLock lock(mutex_);
      ++asked_;
      changed_.notify_all();
      return std::string("the-model");
    };
  }

  // Sends an upscale, which nobody answers, and returns when its call has begun.
  void Begin(const HttpConnection& client, const std::string& headers = "") {
    client.Ask(Question({{"image", std::string(kPictureBytes, 'x')}}, headers));
    MutexLock lock(mutex_);
    while (asked_ < 2) lock.Wait(changed_);
  }

  void AwaitNoneTaken() const {
    while (uploads_.taken() > 0) continue;
  }

  std::condition_variable changed_;
  std::size_t asked_ ABSL_GUARDED_BY(mutex_) = 0;
  const SilentServer silent_;
};

TEST_F(GatewayUploadsTest, CountABodyUntilItsCallHasEnded) {
  StartInFrontOf(silent_.target());
  HttpConnection client(gateway_->port());

  Begin(client);
  EXPECT_GT(uploads_.taken(), static_cast<std::int64_t>(kPictureBytes));
  client.Close();

  AwaitNoneTaken();
}

TEST_F(GatewayUploadsTest, CountABodyUntilItIsSent) {
  Start({.hold = true});
  const HttpConnection client(gateway_->port());

  Begin(client);
  service_->AwaitReceived(1);

  AwaitNoneTaken();
}

TEST_F(GatewayUploadsTest, CountABodyThatWaitsForAJobToBegin) {
  StartInFrontOf(silent_.target());
  const HttpConnection client(gateway_->port());

  Begin(client, "Idempotency-Key: mine\r\n");

  EXPECT_GT(uploads_.taken(), static_cast<std::int64_t>(kPictureBytes));
}

TEST_F(GatewayUploadsTest, DoNotCountThemBesideTheService) {
  counts_unsent_ = false;
  StartInFrontOf(silent_.target());
  const HttpConnection client(gateway_->port());

  Begin(client);

  EXPECT_EQ(uploads_.taken(), 0);
}

}  // namespace
}  // namespace upscaler
