// Upscales that are done as jobs, from socket to socket.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/gateway_fixture.h"
#include "tests/gateway/job_gateway_fixture.h"

namespace upscaler {
namespace {

using test::FinishedJob;
using test::HttpConnection;
using test::HttpQuestion;
using test::HttpReply;
using test::JobScript;
using test::kMultipart;
using test::Multipart;
using test::Refusal;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobUpscaleTest : public test::JobGatewayTest {
 protected:
  static HttpQuestion Order(const std::string& headers,
                            const std::vector<std::pair<std::string, std::string>>& more = {}) {
    std::vector<std::pair<std::string, std::string>> fields = {{"image", "input"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return {.method = "POST",
            .path = "/v1/images/upscale",
            .headers = kMultipart + headers,
            .body = Multipart(fields)};
  }
};

TEST_F(JobUpscaleTest, AnswersWithTheJobToWhoPrefersThat) {
  Start({.state = v1::UPSCALE_JOB_STATE_QUEUED});

  const HttpReply reply = Ask(Order("Prefer: respond-async\r\nAuthorization: Bearer key-1\r\n",
                                    {{"prompt", "a cat"}, {"partial_images", "2"}}));

  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.headers.at("location"), "/v1/jobs/job-1");
  EXPECT_EQ(reply.headers.at("preference-applied"), "respond-async");
  EXPECT_EQ(JsonIn(reply)["id"], "job-1");
  EXPECT_EQ(JsonIn(reply)["status"], "queued");
  const auto created = service_->created();
  ASSERT_THAT(created, SizeIs(1));
  EXPECT_EQ(created[0].request_id, "");
  EXPECT_EQ(created[0].authorization, "Bearer key-1");
  EXPECT_EQ(created[0].via, "rest");
  EXPECT_EQ(created[0].image, "input");
  EXPECT_EQ(created[0].start.spec().prompt(), "a cat");
  EXPECT_EQ(created[0].start.spec().preview_count(), 2U);
}

TEST_F(JobUpscaleTest, CallsTheJobAsTheClientDoes) {
  Start({.state = v1::UPSCALE_JOB_STATE_QUEUED});

  Ask(Order("Prefer: respond-async\r\nIdempotency-Key: mine-1\r\n"));

  EXPECT_EQ(service_->created().at(0).request_id, "mine-1");
}

TEST_F(JobUpscaleTest, RefusesAKeyThatBelongsToAnotherOrder) {
  Start({.create_end = Refusal(grpc::StatusCode::ALREADY_EXISTS, "request_id: another order",
                               "REQUEST_ID_REUSED")});

  for (const char* prefer : {"", "Prefer: respond-async\r\n"}) {
    const HttpReply reply = Ask(Order(std::string("Idempotency-Key: mine-1\r\n") + prefer));
    EXPECT_EQ(reply.status, 409);
    EXPECT_EQ(ErrorIn(reply)["code"], "request_id_reused");
    EXPECT_EQ(reply.headers.at("x-should-retry"), "false");
  }
}

TEST_F(JobUpscaleTest, RefusesWhatIsNoKeyBeforeItHasReadThePicture) {
  Start({});

  const HttpReply reply = Ask(Order("Idempotency-Key: not one!\r\n"));

  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(ErrorIn(reply)["param"], "Idempotency-Key");
  EXPECT_THAT(service_->created(), IsEmpty());
}

TEST_F(JobUpscaleTest, AnswersAsWithoutAKey) {
  Start(FinishedJob({"picture"}));

  const HttpReply reply = Ask(Order("Idempotency-Key: mine-1\r\n"));

  EXPECT_EQ(reply.status, 200);
  const auto answer = JsonIn(reply);
  EXPECT_EQ(answer["data"][0]["b64_json"], "cGljdHVyZQ==");
  EXPECT_EQ(answer["data"][0]["seed"], 7);
  EXPECT_EQ(answer["model"], "the-model");
  EXPECT_EQ(answer["timings"]["total"], 1);
  EXPECT_EQ(service_->created().at(0).request_id, "mine-1");
}

TEST_F(JobUpscaleTest, AnswersWithTheImageItself) {
  Start(FinishedJob({"picture"}));

  const HttpReply reply = Ask(Order("Idempotency-Key: mine-1\r\nAccept: image/png\r\n"));

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "image/png");
  EXPECT_EQ(reply.body, "picture");
}

TEST_F(JobUpscaleTest, StreamsTheEvents) {
  JobScript script = FinishedJob({"picture"});
  script.events = 2;
  Start(script);

  const HttpReply reply = Ask(Order("Idempotency-Key: mine-1\r\n", {{"stream", "true"}}));

  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(reply.body, HasSubstr("event: image_upscale.progress"));
  EXPECT_THAT(reply.body, HasSubstr("event: image_upscale.completed"));
  EXPECT_THAT(reply.body, HasSubstr(R"("b64_json":"cGljdHVyZQ==")"));
}

TEST_F(JobUpscaleTest, DoesNotCancelTheJobOfAClientThatGoes) {
  JobScript script;
  script.hold = true;
  Start(script);
  HttpConnection connection(gateway_->port());
  connection.Ask(Order("Idempotency-Key: mine-1\r\n"));
  service_->AwaitAsked(1);

  connection.Close();

  service_->AwaitCancelled(1);
  EXPECT_THAT(service_->asked(), Each(Field(&test::ReceivedQuestion::method, "Watch")));
}

}  // namespace
}  // namespace upscaler
