// Jobs as streams of events, from socket to socket.

#include "gateway/job_events.h"

#include <string>
#include <vector>

#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/job_gateway_fixture.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::FinishedJob;
using test::HttpConnection;
using test::HttpReply;
using test::JobScript;
using test::Refusal;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobEventsTest : public test::JobGatewayTest {
 protected:
  static constexpr const char* kPath = "/v1/jobs/job-1/events";

  // Two steps and two pictures: the events 1 to 6, of which the third is of no interest.
  static JobScript TwoPictures() {
    JobScript script = FinishedJob({"one", "two"});
    script.events = 2;
    script.job.set_last_sequence(6);
    return script;
  }

  static JobScript Failed() {
    JobScript script{.state = v1::UPSCALE_JOB_STATE_FAILED, .events = 2};
    script.watch_end =
        Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "out of memory", "OUT_OF_MEMORY");
    script.job.set_last_sequence(2);
    script.job.mutable_error()->set_code(8);
    script.job.mutable_error()->set_reason("OUT_OF_MEMORY");
    script.job.mutable_error()->set_message("out of memory");
    return script;
  }

  // The data of a stream's events, in their order.
  static std::vector<json> EventsIn(const HttpReply& reply) {
    std::vector<json> events;
    for (const auto line : absl::StrSplit(reply.body, '\n')) {
      if (line.substr(0, 6) == "data: ") events.push_back(json::parse(line.substr(6)));
    }
    return events;
  }

  static std::vector<std::uint64_t> SequencesIn(const HttpReply& reply) {
    std::vector<std::uint64_t> sequences;
    for (const json& event : EventsIn(reply)) sequences.push_back(event["sequence"]);
    return sequences;
  }
};

TEST_F(JobEventsTest, TellsAllThatHasHappened) {
  Start(TwoPictures());

  const HttpReply reply = Get(kPath);

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(SequencesIn(reply), ElementsAre(1, 2, 5, 6));
  const std::vector<json> events = EventsIn(reply);
  EXPECT_EQ(events[0]["type"], "image_upscale.progress");
  EXPECT_EQ(events[0]["id"], "job-1");
  EXPECT_EQ(events[0]["step"], 1);
  EXPECT_EQ(events[2]["type"], "image_upscale.completed");
  EXPECT_EQ(events[2]["url"], "/v1/jobs/job-1/images/0");
  EXPECT_EQ(events[3]["url"], "/v1/jobs/job-1/images/1");
  EXPECT_EQ(events[3]["image_index"], 1);
  EXPECT_EQ(events[3]["seed"], 8);
  EXPECT_EQ(events[3]["size"], "64x32");
  EXPECT_EQ(events[3]["model"], "the-model");
  EXPECT_EQ(events[3]["parameters"]["num_inference_steps"], 2);
  EXPECT_EQ(events[3]["timings"]["total"], 1);
  EXPECT_THAT(events[3]["warnings"], ElementsAre("the prompt was cut"));
}

TEST_F(JobEventsTest, LosesNothingWhereverAClientWasCutOff) {
  Start(TwoPictures());
  const std::vector<std::uint64_t> all = SequencesIn(Get(kPath));

  for (std::uint64_t last = 0; last < 6; ++last) {
    std::vector<std::uint64_t> rest;
    for (const std::uint64_t sequence : all) {
      if (sequence > last) rest.push_back(sequence);
    }
    const std::string number = std::to_string(last);
    EXPECT_EQ(SequencesIn(Get(kPath, "Last-Event-ID: " + number + "\r\n")), rest) << last;
    EXPECT_EQ(SequencesIn(Get(std::string(kPath) + "?after=" + number)), rest) << last;
  }
}

TEST_F(JobEventsTest, BelievesTheHeaderMoreThanTheAddress) {
  Start(TwoPictures());

  EXPECT_THAT(SequencesIn(Get(std::string(kPath) + "?after=1", "Last-Event-ID: 5\r\n")),
              ElementsAre(6));
}

TEST_F(JobEventsTest, SendsAwayWhoHasSeenTheEnd) {
  Start(TwoPictures());

  const HttpReply reply = Get(kPath, "Last-Event-ID: 6\r\n");

  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.body, "");
}

TEST_F(JobEventsTest, EndsWithTheErrorOfTheJob) {
  Start(Failed());

  const HttpReply reply = Get(kPath);

  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(SequencesIn(reply), ElementsAre(1, 2, 3));
  const json error = EventsIn(reply).back();
  EXPECT_EQ(error["type"], "image_upscale.error");
  EXPECT_EQ(error["error"]["code"], "out_of_memory");
}

TEST_F(JobEventsTest, TellsTheErrorToWhoHasSeenAllElse) {
  Start(Failed());

  const HttpReply reply = Get(kPath, "Last-Event-ID: 2\r\n");

  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(SequencesIn(reply), ElementsAre(3));
  EXPECT_EQ(Get(kPath, "Last-Event-ID: 3\r\n").status, 204);
}

TEST_F(JobEventsTest, AnswersErrorsBeforeTheFirstEventWithTheirStatus) {
  Start({.watch_end =
             Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watch", "TOO_MANY_WATCHERS")});

  const HttpReply reply = Get(kPath);

  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(ErrorIn(reply)["code"], "too_many_watchers");
}

TEST_F(JobEventsTest, BreaksOffWhereTheServiceDoes) {
  JobScript script = TwoPictures();
  script.watch_breaks = {1};
  Start(script);

  const HttpReply broken = Get(kPath);
  const HttpReply rest = Get(kPath, "Last-Event-ID: 1\r\n");

  EXPECT_THAT(SequencesIn(broken), ElementsAre(1));
  EXPECT_FALSE(broken.whole);
  EXPECT_TRUE(rest.whole);
  EXPECT_THAT(SequencesIn(rest), ElementsAre(2, 5, 6));
}

TEST_F(JobEventsTest, NamesWhatIsNoEvent) {
  Start(TwoPictures());

  for (const char* text : {"x", "-1", "1x", "99999999999999999999"}) {
    const HttpReply header = Get(kPath, std::string("Last-Event-ID: ") + text + "\r\n");
    EXPECT_EQ(header.status, 400) << text;
    EXPECT_EQ(ErrorIn(header)["param"], "Last-Event-ID");
    const HttpReply query = Get(std::string(kPath) + "?after=" + text);
    EXPECT_EQ(query.status, 400) << text;
    EXPECT_EQ(ErrorIn(query)["param"], "after");
  }
  EXPECT_THAT(service_->watched_after(), IsEmpty());
}

TEST_F(JobEventsTest, OpensTheStreamOfAJobOfWhichNothingIsHeard) {
  Start({.hold = true});
  HttpConnection connection(gateway_->port());

  connection.Ask({.path = kPath});

  EXPECT_THAT(connection.AwaitHead(), ::testing::HasSubstr("text/event-stream"));
}

TEST_F(JobEventsTest, EndsTheWatchOfAClientThatGoes) {
  Start({.events = 1, .hold = true});
  HttpConnection connection(gateway_->port());
  connection.Ask({.path = kPath});
  service_->AwaitAsked(1);

  connection.Close();

  service_->AwaitCancelled(1);
  EXPECT_THAT(service_->asked(),
              Each(Field(&test::ReceivedQuestion::method, ::testing::AnyOf("Watch", "Get"))));
}

TEST_F(JobEventsTest, EndsItsWatchesWhenTheGatewayDoes) {
  Start({.events = 1, .hold = true});
  HttpConnection connection(gateway_->port());
  connection.Ask({.path = kPath});
  service_->AwaitAsked(1);

  gateway_.reset();

  service_->AwaitCancelled(1);
}

TEST_F(JobEventsTest, WatchesNothingForAHead) {
  Start({.hold = true});

  const HttpReply reply = Ask({.method = "HEAD", .path = kPath});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(service_->watched_after(), IsEmpty());
}

TEST_F(JobEventsTest, SendsNothingAfterAHead) {
  Start({.hold = true});
  HttpConnection connection(gateway_->port());
  connection.Send(std::string("HEAD ") + kPath + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_THAT(connection.AwaitHead(), ::testing::HasSubstr("text/event-stream"));

  connection.Ask({.path = "/v1"});

  EXPECT_EQ(connection.Await().status, 200);
}

}  // namespace
}  // namespace upscaler
