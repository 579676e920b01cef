// What the gateway says no to, from socket to socket, and who counts it.

#include <chrono>
#include <cstddef>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/gateway_fixture.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/http_client.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::GoodScript;
using test::HttpQuestion;
using test::HttpReply;
using test::kMultipart;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using GatewayRefusalTest = test::GatewayTest;

TEST_F(GatewayRefusalTest, HasNoRoomForTwoImagesInOneBody) {
  Start(GoodScript({"one", "two"}));

  const HttpReply reply = Post({{"image", "x"}, {"n", "2"}}, "Accept: image/png\r\n");

  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(ErrorIn(reply)["param"], "n");
}

TEST_F(GatewayRefusalTest, NamesTheFieldAtFault) {
  Start(GoodScript({"picture"}));

  const HttpReply reply = Post({{"image", "x"}, {"num_inference_steps", "many"}});

  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(ErrorIn(reply)["param"], "num_inference_steps");
  EXPECT_THAT(service_->received(), IsEmpty());
}

TEST_F(GatewayRefusalTest, TellsOnceOfEachRequestThatItRefusesByItself) {
  Start(GoodScript({"picture"}));
  HttpQuestion no_end =
      Question({{"image", std::string(kMaxUpload, 'x')}}, "Transfer-Encoding: chunked\r\n");
  no_end.announce_length = false;
  no_end.body = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", no_end.body.size(), no_end.body);
  const struct {
    HttpQuestion question;
    int status;
  } refusals[] = {
      {Question({{"image", "x"}, {"n", "two"}}), 400},
      {Question({{"image", "x"}, {"prompt", "caf\xe9"}}), 400},
      {Question({{"image", std::string(kMaxUpload, 'x')}}), 413},
      {no_end, 413},
      {{.method = "POST", .path = "/images/upscale", .headers = "Content-Type: text/plain\r\n"},
       415},
  };
  std::size_t count = 0;
  for (const auto& [question, status] : refusals) {
    const HttpReply reply = Ask(question);

    EXPECT_EQ(reply.status, status);
    ASSERT_THAT(refused(), SizeIs(++count)) << status;
    EXPECT_EQ(refused().back().request_id, reply.headers.at("x-request-id"));
    EXPECT_THAT(refused().back().status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_GE(refused().back().took, 0s);
  }
  EXPECT_THAT(service_->received(), IsEmpty());
}

TEST_F(GatewayRefusalTest, SaysWhoseTraceARefusalIsAPartOf) {
  Start(GoodScript({"picture"}));
  const std::string trace =
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";

  Post({{"image", "x"}, {"n", "two"}}, trace);
  Post({{"image", std::string(kMaxUpload, 'x')}}, trace);

  ASSERT_THAT(refused(), SizeIs(2));
  EXPECT_EQ(refused()[0].trace->trace_id(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(refused()[1].trace->trace_id(), "0af7651916cd43dd8448eb211c80319c");
}

TEST_F(GatewayRefusalTest, SaysThatItIsLoadingUntilItKnowsTheModel) {
  model_ = [] { return std::string(); };
  Start(GoodScript({"picture"}));

  const HttpReply reply = Post({{"image", "x"}});

  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(ErrorIn(reply)["code"], "loading");
  EXPECT_EQ(reply.headers.at("retry-after"), "1");
  ASSERT_THAT(refused(), SizeIs(1));
  EXPECT_THAT(refused()[0].status, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(GatewayRefusalTest, LeavesTheServicesRefusalsToTheService) {
  Start({.status = {grpc::StatusCode::INVALID_ARGUMENT, "not a picture"}});

  EXPECT_EQ(Post({{"image", "x"}}).status, 400);

  EXPECT_THAT(refused(), IsEmpty());
}

TEST_F(GatewayRefusalTest, WantsAnImage) {
  Start(GoodScript({"picture"}));

  EXPECT_EQ(ErrorIn(Post({{"prompt", "a cat"}}))["param"], "image");
}

TEST_F(GatewayRefusalTest, RefusesABodyThatEndsEarly) {
  Start(GoodScript({"picture"}));
  HttpQuestion question = Question({{"image", "x"}});
  question.body.resize(question.body.size() - 14);

  EXPECT_EQ(Ask(question).status, 400);
}

TEST_F(GatewayRefusalTest, RefusesAnotherMediaType) {
  Start(GoodScript({"picture"}));

  const HttpReply reply = Ask({.method = "POST",
                               .path = "/v1/images/upscale",
                               .headers = "Content-Type: text/plain\r\n",
                               .body = "x"});

  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(reply.headers.at("x-should-retry"), "false");
}

TEST_F(GatewayRefusalTest, RefusesALargeBodyBeforeItIsSent) {
  Start(GoodScript({"picture"}));

  const HttpReply reply = Ask({.method = "POST",
                               .path = "/v1/images/upscale",
                               .headers = std::string(kMultipart) + "Content-Length: 100001\r\n"});

  EXPECT_EQ(reply.status, 413);
}

TEST_F(GatewayRefusalTest, RefusesALargeBodyOfUnknownLength) {
  Start(GoodScript({"picture"}));
  HttpQuestion question =
      Question({{"image", std::string(kMaxUpload, 'x')}}, "Transfer-Encoding: chunked\r\n");
  question.announce_length = false;
  question.body = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", question.body.size(), question.body);

  EXPECT_EQ(Ask(question).status, 413);
}

TEST_F(GatewayRefusalTest, HangsUpOnABodyThatDoesNotEnd) {
  Start(GoodScript({"picture"}));
  HttpQuestion question =
      Question({{"image", std::string(3 * kMaxUpload, 'x')}}, "Transfer-Encoding: chunked\r\n");
  question.announce_length = false;
  question.body = fmt::format("{:x}\r\n{}", 10 * kMaxUpload, question.body);

  EXPECT_EQ(Ask(question).status, 0);
}

TEST_F(GatewayRefusalTest, PassesOnTheServicesRefusal) {
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(9);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  details.add_details()->PackFrom(retry);
  Start({.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full",
                    details.SerializeAsString()}});

  const HttpReply reply = Post({{"image", "x"}});

  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("retry-after"), "9");
  EXPECT_EQ(ErrorIn(reply)["code"], "queue_full");
  EXPECT_EQ(reply.headers.at("access-control-allow-origin"), "*");
}

TEST_F(GatewayRefusalTest, KeepsNoMoreOfBodiesThatArriveThanThereIsRoomFor) {
  Start(GoodScript({"picture"}));
  UploadBudget::Share others(uploads_);
  ASSERT_THAT(others.Take(990'000), test::IsOk());

  const HttpReply refused = Post({{"image", std::string(20'000, 'x')}});
  others.GiveBack();
  const HttpReply taken = Post({{"image", std::string(20'000, 'x')}});

  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(uploads_.taken(), 0);
}

TEST_F(GatewayRefusalTest, AsksForTheKeyBeforeItReadsTheBody) {
  authorize_ = [](const std::string& api_key) {
    return api_key == "good" ? absl::OkStatus() : absl::UnauthenticatedError("no such key");
  };
  Start(GoodScript({"picture"}));

  EXPECT_EQ(Post({{"image", "x"}}, "X-API-Key: bad\r\n").status, 401);
  EXPECT_THAT(service_->received(), IsEmpty());
  EXPECT_EQ(Post({{"image", "x"}}, "X-API-Key: good\r\n").status, 200);
}

}  // namespace
}  // namespace upscaler
