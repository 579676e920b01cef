// The gateway from socket to socket: HTTP in, a scripted gRPC service behind.

#include "gateway/gateway.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/gateway_fixture.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::GatewayTest;
using test::GoodScript;
using test::HttpConnection;
using test::HttpReply;
using test::kJson;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(GatewayTest, UpscalesAFormAsTheFirstClientsSendIt) {
  Start(GoodScript({"picture"}));
  const std::string image(50'000, '\0');

  const HttpReply reply =
      Post({{"image", image}, {"prompt", "a cat"}, {"n", "1"}, {"guidance_scale", "8"}});

  EXPECT_EQ(reply.status, 200);
  const auto answer = nlohmann::json::parse(reply.body);
  EXPECT_EQ(answer["data"][0]["b64_json"], "cGljdHVyZQ==");
  EXPECT_EQ(answer["data"][0]["seed"], 7);
  EXPECT_EQ(answer["model"], "the-model");
  EXPECT_EQ(answer["id"], reply.headers.at("x-request-id"));
  EXPECT_GT(answer["created"], 1'700'000'000);
  const auto received = service_->received();
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].image, image);
  EXPECT_EQ(received[0].spec.prompt(), "a cat");
  EXPECT_EQ(received[0].spec.guidance_scale(), 8.0);
  EXPECT_EQ(received[0].request_id, reply.headers.at("x-request-id"));
  EXPECT_EQ(received[0].via, "rest");
  EXPECT_THAT(refused(), IsEmpty());
}

TEST_F(GatewayTest, UpscalesJson) {
  Start(GoodScript({"picture"}));

  const HttpReply reply = Ask({.method = "POST",
                               .path = "/images/upscale",
                               .headers = kJson,
                               .body = R"({"image": "AAFQTkc=", "n": 1})"});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(service_->received().at(0).image, std::string("\0\1PNG", 5));
}

TEST_F(GatewayTest, AnswersTheImageItselfToWhoAcceptsOne) {
  Start(GoodScript({"picture"}, v1::IMAGE_FORMAT_WEBP));

  const HttpReply reply = Post({{"image", "x"}}, "Accept: image/webp\r\nX-Request-Id: mine-1\r\n");

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "picture");
  EXPECT_EQ(reply.headers.at("content-type"), "image/webp");
  EXPECT_EQ(reply.headers.at("seed"), "7");
  EXPECT_EQ(reply.headers.at("x-request-id"), "mine-1");
  EXPECT_EQ(service_->received().at(0).spec.output_format(), v1::IMAGE_FORMAT_WEBP);
}

TEST_F(GatewayTest, PassesATraceOn) {
  Start(GoodScript({"picture"}));
  const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  Post({{"image", "x"}}, "traceparent: " + parent + "\r\ntracestate: a=1\r\nTraceState: b=2\r\n");

  EXPECT_EQ(service_->received().at(0).traceparent, parent);
  EXPECT_EQ(service_->received().at(0).tracestate, "a=1,b=2");
}

TEST_F(GatewayTest, DropsATraceThatIsNone) {
  Start(GoodScript({"picture"}));

  Post({{"image", "x"}}, "traceparent: 00-0-0-00\r\ntracestate: a=1\r\n");

  EXPECT_EQ(service_->received().at(0).traceparent, "");
  EXPECT_EQ(service_->received().at(0).tracestate, "");
}

TEST_F(GatewayTest, CancelsTheCallOfAClientThatHangsUp) {
  Start({.hold = true});
  HttpConnection connection(gateway_->port());
  connection.Ask(Question({{"image", "x"}}));
  service_->AwaitReceived(1);

  connection.Close();

  service_->AwaitCancelled(1);
}

TEST_F(GatewayTest, ServesOthersWhileOneWaits) {
  Start({.hold = true});
  const HttpConnection waiting(gateway_->port());
  waiting.Ask(Question({{"image", "x"}}));
  service_->AwaitReceived(1);

  EXPECT_EQ(Ask({.path = "/livez"}).status, 200);
}

TEST_F(GatewayTest, AnswersWhoWaitsWhenItStops) {
  Start({.hold = true});
  HttpConnection waiting(gateway_->port());
  waiting.Ask(Question({{"image", "x"}}));
  service_->AwaitReceived(1);

  gateway_.reset();

  const HttpReply reply = waiting.Await();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(ErrorIn(reply)["code"], "draining");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  service_->AwaitCancelled(1);
}

TEST_F(GatewayTest, TellsNoAddressesOfAServiceThatIsAway) {
  Start({.status = {grpc::StatusCode::UNAVAILABLE, "failed to connect to ipv4:10.0.0.1:1"}});

  const HttpReply reply = Post({{"image", "x"}});

  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(ErrorIn(reply)["message"], "the service is out of reach");
}

TEST_F(GatewayTest, RefusesABodyWhoseLengthIsGivenTwice) {
  Start(GoodScript({"picture"}));

  const HttpReply reply = Post({{"image", "x"}}, "Transfer-Encoding: chunked\r\n");

  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(ErrorIn(reply)["message"].get<std::string>(), HasSubstr("length of the body"));
}

TEST_F(GatewayTest, RefusesAStrangerWhoAsksBeforeItSends) {
  authorize_ = [](const std::string& /*key*/) {
    return absl::UnauthenticatedError("a key is wanted");
  };
  Start(GoodScript({"picture"}));
  HttpConnection stranger(gateway_->port());

  stranger.Send(
      "POST /v1/images/upscale HTTP/1.1\r\nHost: here\r\nContent-Length: 10000\r\n"
      "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n");

  EXPECT_EQ(stranger.Await().status, 401);
}

TEST_F(GatewayTest, AnswersTheSmallPages) {
  Start({});

  EXPECT_EQ(Ask({.path = "/v1"}).body, R"({"status": true})");
  EXPECT_EQ(Ask({.path = "/v1/"}).body, R"({"status": true})");
  EXPECT_EQ(Ask({.path = "/livez"}).status, 200);
  EXPECT_EQ(Ask({.path = "/readyz"}).status, 200);
}

TEST_F(GatewayTest, IsNotReadyWhenTheServiceIsNot) {
  Start({});
  ready_ = false;

  const HttpReply reply = Ask({.path = "/readyz"});

  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers.at("retry-after"), "5");
}

TEST_F(GatewayTest, IsAliveThoughItIsNotReady) {
  Start({});
  ready_ = false;

  EXPECT_EQ(Ask({.path = "/livez"}).status, 200);
}

TEST_F(GatewayTest, IsNotAliveWhenTheServiceIsNot) {
  Start({});
  live_ = false;

  const HttpReply reply = Ask({.path = "/livez"});

  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(ErrorIn(reply)["type"], "server_error");
}

TEST_F(GatewayTest, AnswersHeadWithoutABody) {
  Start({});

  const HttpReply reply = Ask({.method = "HEAD", .path = "/livez"});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-length"), "16");
  EXPECT_EQ(reply.body, "");
}

TEST_F(GatewayTest, SaysWhichMethodsAreAllowed) {
  Start({});

  const HttpReply reply = Ask({.path = "/v1/images/upscale"});

  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.at("allow"), "OPTIONS, POST");
}

TEST_F(GatewayTest, KnowsNoOtherPath) {
  Start({});

  const HttpReply reply = Ask({.method = "POST", .path = "/v2/images", .body = "anything"});

  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(ErrorIn(reply)["code"], "not_found");
  EXPECT_THAT(reply.headers.at("x-request-id"), SizeIs(32));
}

TEST_F(GatewayTest, LetsOtherOriginsAsk) {
  Start({});

  const HttpReply reply = Ask({.method = "OPTIONS",
                               .path = "/v1/images/upscale",
                               .headers = "Origin: http://page.example\r\n"
                                          "Access-Control-Request-Headers: authorization\r\n"});

  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.headers.at("access-control-allow-origin"), "*");
  EXPECT_THAT(reply.headers.at("access-control-allow-methods"), HasSubstr("POST"));
  EXPECT_EQ(reply.headers.at("access-control-allow-headers"), "authorization");
}

TEST_F(GatewayTest, ReplacesARequestIdThatIsNotOne) {
  Start({});

  const HttpReply reply = Ask({.path = "/v1", .headers = "X-Request-Id: not one!\r\n"});

  EXPECT_THAT(reply.headers.at("x-request-id"), SizeIs(32));
}

TEST_F(GatewayTest, RefusesAnAddressThatIsTakenOrNone) {
  Start({});

  const std::string taken = "127.0.0.1:" + std::to_string(gateway_->port());
  for (const std::string& address : {taken, std::string("127.0.0.1"), std::string("example:0"),
                                     std::string("127.0.0.1:x"), std::string("127.0.0.1:65536")}) {
    EXPECT_THAT(Gateway::Start({.address = address}, *backends_, uploads_, clock_),
                StatusIs(absl::StatusCode::kFailedPrecondition))
        << address;
  }
}

}  // namespace
}  // namespace upscaler
