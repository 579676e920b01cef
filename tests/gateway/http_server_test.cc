#include "gateway/http_server.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_client.h"
#include "tests/support/server_sockets.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::HttpConnection;
using test::HttpReply;
using ::testing::ElementsAre;

// Keeps what it is called with, for a test to wait for.
class Recorder {
 public:
  void Complete(Respond respond) {
    const MutexLock lock(mutex_);
    respond_ = std::move(respond);
    changed_.notify_all();
  }

  void Lose() {
    const MutexLock lock(mutex_);
    gone_ = true;
    changed_.notify_all();
  }

  void Forget() {
    const MutexLock lock(mutex_);
    forgotten_ = true;
    changed_.notify_all();
  }

  void Receive() {
    const MutexLock lock(mutex_);
    received_ = true;
    changed_.notify_all();
  }

  Respond AwaitComplete() {
    MutexLock lock(mutex_);
    while (respond_ == nullptr) lock.Wait(changed_);
    return std::exchange(respond_, nullptr);
  }

  void AwaitGone() {
    MutexLock lock(mutex_);
    while (!gone_) lock.Wait(changed_);
  }

  void AwaitForgotten() {
    MutexLock lock(mutex_);
    while (!forgotten_) lock.Wait(changed_);
  }

  bool IsForgottenWithin(std::chrono::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    MutexLock lock(mutex_);
    while (!forgotten_ && lock.WaitUntil(changed_, until)) continue;
    return forgotten_;
  }

  void AwaitReceived() {
    MutexLock lock(mutex_);
    while (!received_) lock.Wait(changed_);
  }

 private:
  Mutex mutex_;
  std::condition_variable changed_;
  Respond respond_ ABSL_GUARDED_BY(mutex_);
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  bool forgotten_ ABSL_GUARDED_BY(mutex_) = false;
  bool received_ ABSL_GUARDED_BY(mutex_) = false;
};

class RecordingHandler final : public RequestHandler {
 public:
  explicit RecordingHandler(Recorder& recorder) : recorder_(recorder) {}
  ~RecordingHandler() override { recorder_.Forget(); }

  void OnBody(std::string_view /*part*/) override { recorder_.Receive(); }
  void OnComplete(Respond respond) override { recorder_.Complete(std::move(respond)); }
  void OnClientGone() override { recorder_.Lose(); }

 private:
  Recorder& recorder_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    auto server =
        HttpServer::Start({.address = "127.0.0.1:0",
                           .stall_timeout = kStallTimeout,
                           .drain_timeout = std::chrono::seconds(0)},
                          clock_, [this](const HttpRequest& request) {
                            HttpServer::Decision decision;
                            if (request.path == "/now") {
                              decision.outcome = HttpResponse{.status = 200, .body = "now"};
                            } else {
                              decision.outcome = std::make_shared<RecordingHandler>(recorder_);
                            }
                            return decision;
                          });
    EXPECT_THAT(server, test::IsOk());
    server_ = *std::move(server);
  }

  // Lets time pass until the server has closed the connection; `meanwhile` is what the client
  // does.
  void AwaitEnd(
      HttpConnection& client, const std::function<void()>& meanwhile = [] {}) {
    while (!client.EndsWithin(/*milliseconds=*/20)) {
      meanwhile();
      clock_.Advance(kStallTimeout / 3);
    }
  }

  // The same for a client that reads nothing, and so does not see it.
  void AwaitForgotten() {
    while (!recorder_.IsForgottenWithin(20ms)) clock_.Advance(kStallTimeout / 3);
  }

  static constexpr std::chrono::milliseconds kStallTimeout = 80ms;
  // More than the system takes of an answer that nobody reads.
  static constexpr std::size_t kLarge = std::size_t{32} << 20;

  test::FakeClock clock_;
  Recorder recorder_;
  std::unique_ptr<HttpServer> server_;  // Last: it calls the handler.
};

TEST_F(HttpServerTest, SendsABodyWhileItComesIntoBeing) {
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  const auto pipe = std::make_shared<BodyPipe>();
  recorder_.AwaitComplete()({.pipe = pipe});

  pipe->Write("one ");
  EXPECT_TRUE(client.AwaitText("one "));
  pipe->Write("two");
  pipe->Close();

  EXPECT_EQ(client.Await().body, "one two");
}

TEST_F(HttpServerTest, SaysHowLongABodyIsThatItKnows) {
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  const auto pipe = std::make_shared<BodyPipe>();
  pipe->Write("12345");
  pipe->Close();
  recorder_.AwaitComplete()({.pipe = pipe, .pipe_bytes = 5});

  const HttpReply reply = client.Await();

  EXPECT_EQ(reply.headers.at("content-length"), "5");
  EXPECT_EQ(reply.body, "12345");
}

TEST_F(HttpServerTest, LetsGoOfAnAnswerWhoseClientHasGone) {
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  Respond respond = recorder_.AwaitComplete();
  client.Reset();
  recorder_.AwaitGone();
  const auto pipe = std::make_shared<BodyPipe>();
  pipe->Write("nobody reads this");
  auto waiting = std::make_shared<int>(0);
  const std::weak_ptr<int> waits = waiting;
  pipe->WhenEmpty([waiting = std::move(waiting)] {});

  std::move(respond)({.pipe = pipe});
  recorder_.AwaitForgotten();

  while (!waits.expired()) continue;
}

TEST_F(HttpServerTest, NoticesAClientThatClosesInTheMiddleOfItsBody) {
  HttpConnection client(server_->port());
  client.Send("POST /later HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf");
  client.Close();

  recorder_.AwaitForgotten();
}

TEST_F(HttpServerTest, NoticesAClientThatClosesLaterInItsBody) {
  HttpConnection client(server_->port());
  client.Send("POST /later HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf");
  recorder_.AwaitReceived();
  client.Close();

  recorder_.AwaitForgotten();
}

TEST_F(HttpServerTest, ClosesConnectionsOnceClientsAreLetGo) {
  const std::string question = "GET /now HTTP/1.1\r\nHost: here\r\n\r\n";
  HttpConnection client(server_->port());
  client.Send(question);
  ASSERT_TRUE(client.AwaitText("now"));

  server_->LetClientsGo();
  client.Send(question);

  EXPECT_TRUE(client.AwaitText("Connection: close"));
  client.Await();  // Ends, as the server closes.
}

TEST_F(HttpServerTest, SendsSmallAnswersAtOnce) {
  HttpConnection client(server_->port());
  client.Send("GET /now HTTP/1.1\r\nHost: here\r\n\r\n");
  ASSERT_TRUE(client.AwaitText("now"));

  EXPECT_THAT(test::NoDelayAt(server_->port()), ElementsAre(true));
}

TEST_F(HttpServerTest, EndsAConnectionWhoseHeadNeverComesToItsEnd) {
  HttpConnection client(server_->port());
  client.Send("GET /now HTTP/1.1\r\nX: ");

  AwaitEnd(client, [&client] { client.Send("x"); });

  EXPECT_EQ(server_->open_requests(), 0U);
}

TEST_F(HttpServerTest, EndsAConnectionWhoseNextHeadNeverComesToItsEnd) {
  HttpConnection client(server_->port());
  client.Send("GET /now HTTP/1.1\r\nHost: here\r\n\r\n");
  ASSERT_TRUE(client.AwaitText("now"));

  AwaitEnd(client, [&client] { client.Send("x"); });
}

TEST_F(HttpServerTest, EndsAConnectionWhoseBodyTrickles) {
  HttpConnection client(server_->port());
  client.Send("POST /later HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n");

  AwaitEnd(client, [&client] { client.Send("x"); });

  recorder_.AwaitForgotten();
}

TEST_F(HttpServerTest, EndsAConnectionWhoseChunksNeverBegin) {
  HttpConnection client(server_->port());
  client.Send("POST /later HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1;x=");

  AwaitEnd(client, [&client] { client.Send("x"); });

  recorder_.AwaitForgotten();
}

TEST_F(HttpServerTest, EndsAConnectionWhoseClientDoesNotTakeItsAnswer) {
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  recorder_.AwaitComplete()({.body = std::string(kLarge, 'x')});
  client.AwaitHead();

  AwaitForgotten();

  EXPECT_EQ(server_->open_requests(), 0U);
}

TEST_F(HttpServerTest, EndsAConnectionWhoseClientDoesNotTakeItsStream) {
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  const auto pipe = std::make_shared<BodyPipe>();
  pipe->Write(std::string(kLarge, 'x'));
  recorder_.AwaitComplete()({.pipe = pipe});
  client.AwaitHead();

  AwaitForgotten();

  // What waits is let go of with the connection, which comes a moment later.
  while (pipe->waiting_bytes() > 0) continue;
}

TEST_F(HttpServerTest, SendsAllToAClientThatTakesItSteadily) {
  HttpConnection client(server_->port());
  client.SetReceiveBuffer(64 << 10);
  client.Ask({.path = "/later"});
  recorder_.AwaitComplete()({.body = std::string(kLarge, 'x')});

  // Twice as much each time as is wanted in all of it, and so for several times the timeout.
  constexpr std::size_t kAtATime = 2 * kLarge / ClientPace::kPart;
  // The last time it takes what is left: it may have read some more each time.
  for (std::size_t taken = kAtATime; taken < kLarge; taken += kAtATime) {
    EXPECT_TRUE(client.AwaitBytes(kAtATime)) << "after " << taken;
    clock_.Advance(kStallTimeout / 2);
  }

  EXPECT_EQ(client.Await().body.size(), kLarge);
}

TEST_F(HttpServerTest, SendsALargeAnswerWhole) {
  std::string text(kLarge, 'x');
  for (std::size_t at = 0; at < text.size(); at += 1000) text[at] = static_cast<char>(at >> 10);
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  recorder_.AwaitComplete()({.body = text});

  const HttpReply reply = client.Await();

  EXPECT_EQ(reply.headers.at("content-length"), std::to_string(kLarge));
  EXPECT_TRUE(reply.body == text);
}

TEST_F(HttpServerTest, LetsAClientWaitAsLongAsThereIsNothingToTake) {
  HttpConnection client(server_->port());
  client.Ask({.path = "/later"});
  Respond respond = recorder_.AwaitComplete();
  HttpConnection other(server_->port());
  AwaitEnd(other);

  const auto pipe = std::make_shared<BodyPipe>();
  std::move(respond)({.pipe = pipe});
  client.AwaitHead();
  HttpConnection another(server_->port());
  AwaitEnd(another);
  pipe->Write("at last");
  pipe->Close();

  EXPECT_TRUE(client.AwaitText("at last"));
}

}  // namespace
}  // namespace upscaler
