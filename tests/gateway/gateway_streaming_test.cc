// Answers as streams of events, from socket to socket.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/gateway_fixture.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::GoodScript;
using test::HttpConnection;
using test::HttpReply;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GatewayStreamingTest : public test::GatewayTest {
 protected:
  // With a service that tells of some progress and then of nothing more.
  void StartUnfinished() {
    test::UpscaleScript script = GoodScript({"picture"});
    script.events.resize(3);
    script.hold = true;
    Start(std::move(script));
  }

  // Asks for a stream over `connection`. Whether the progress has come.
  static bool OpenStream(HttpConnection& connection) {
    connection.Ask(Question({{"image", "x"}, {"stream", "true"}}));
    return connection.AwaitText("image_upscale.progress");
  }

  // The data of a stream's events, in their order.
  static std::vector<json> EventsIn(const HttpReply& reply) {
    std::vector<json> events;
    for (const auto line : absl::StrSplit(reply.body, '\n')) {
      if (line.substr(0, 6) == "data: ") events.push_back(json::parse(line.substr(6)));
    }
    return events;
  }

  static std::vector<std::string> TypesIn(const HttpReply& reply) {
    std::vector<std::string> types;
    for (const json& event : EventsIn(reply)) types.push_back(event["type"]);
    return types;
  }
};

TEST_F(GatewayStreamingTest, TellsTheProgressAndBringsThePictures) {
  Start(GoodScript({"one", "picture"}));

  const HttpReply reply =
      Post({{"image", "x"}, {"n", "2"}, {"stream", "true"}, {"partial_images", "2"}});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(reply.headers.at("cache-control"), "no-store");
  EXPECT_THAT(TypesIn(reply), ElementsAre("image_upscale.queued", "image_upscale.progress",
                                          "image_upscale.completed", "image_upscale.completed"));
  const std::vector<json> events = EventsIn(reply);
  EXPECT_EQ(events[0]["id"], reply.headers.at("x-request-id"));
  EXPECT_EQ(events[0]["sequence"], 2);
  EXPECT_EQ(events[3]["b64_json"], "cGljdHVyZQ==");
  EXPECT_EQ(events[3]["image_index"], 1);
  EXPECT_EQ(events[3]["seed"], 8);
  EXPECT_EQ(events[3]["size"], "64x32");
  EXPECT_EQ(events[3]["timings"]["total"], 1.5);
  EXPECT_EQ(events[3]["model"], "the-model");
  EXPECT_LT(events[2]["sequence"], events[3]["sequence"]);
  EXPECT_EQ(service_->received()[0].spec.preview_count(), 2u);
}

TEST_F(GatewayStreamingTest, StreamsToWhoAcceptsEvents) {
  Start(GoodScript({"picture"}));

  const HttpReply reply = Post({{"image", "x"}}, "Accept: text/event-stream\r\n");

  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
}

TEST_F(GatewayStreamingTest, AsksForNoPreviewsWhereNothingIsStreamed) {
  Start(GoodScript({"picture"}));

  EXPECT_EQ(Post({{"image", "x"}, {"partial_images", "2"}}).status, 200);

  EXPECT_FALSE(service_->received()[0].spec.has_preview_count());
}

TEST_F(GatewayStreamingTest, AnErrorBeforeTheFirstEventKeepsItsStatus) {
  Start({.status = test::QueueFull(std::chrono::seconds(3))});

  const HttpReply reply = Post({{"image", "x"}, {"stream", "true"}});

  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.at("retry-after"), "3");
  EXPECT_EQ(ErrorIn(reply)["code"], "queue_full");
}

TEST_F(GatewayStreamingTest, ALaterErrorIsTheLastEvent) {
  test::UpscaleScript script = GoodScript({"picture"});
  script.events.resize(3);
  script.status = {grpc::StatusCode::INTERNAL, "the device failed"};
  Start(std::move(script));

  const HttpReply reply = Post({{"image", "x"}, {"stream", "true"}});

  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(TypesIn(reply),
              ElementsAre("image_upscale.queued", "image_upscale.progress", "image_upscale.error"));
  EXPECT_EQ(EventsIn(reply).back()["error"]["message"], "the device failed");
}

TEST_F(GatewayStreamingTest, AnAnswerWithoutPicturesIsAnError) {
  Start(GoodScript({}));

  const HttpReply reply = Post({{"image", "x"}, {"stream", "true"}});

  EXPECT_EQ(TypesIn(reply).back(), "image_upscale.error");
}

TEST_F(GatewayStreamingTest, EventsComeBeforeTheEnd) {
  StartUnfinished();
  HttpConnection connection(gateway_->port());

  EXPECT_TRUE(OpenStream(connection));
}

TEST_F(GatewayStreamingTest, AClientThatHangsUpEndsTheWork) {
  StartUnfinished();
  HttpConnection connection(gateway_->port());
  ASSERT_TRUE(OpenStream(connection));

  connection.Close();

  service_->AwaitCancelled(1);
}

TEST_F(GatewayStreamingTest, AGatewayThatStopsEndsItsStreamsInWords) {
  StartUnfinished();
  HttpConnection connection(gateway_->port());
  ASSERT_TRUE(OpenStream(connection));

  gateway_ = nullptr;

  EXPECT_THAT(connection.Await().body, HasSubstr("image_upscale.error"));
}

TEST_F(GatewayStreamingTest, AnotherRequestComesThroughWhileAStreamIsOpen) {
  StartUnfinished();
  HttpConnection connection(gateway_->port());
  ASSERT_TRUE(OpenStream(connection));

  EXPECT_EQ(Ask({.path = "/livez"}).status, 200);
}

}  // namespace
}  // namespace upscaler
