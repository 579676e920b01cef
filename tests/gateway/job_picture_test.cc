// Downloads of finished pictures, from socket to socket.

#include "gateway/job_picture.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/job_gateway_fixture.h"

namespace upscaler {
namespace {

using test::FinishedJob;
using test::HttpConnection;
using test::HttpReply;
using test::JobScript;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobPictureTest : public test::JobGatewayTest {
 protected:
  static constexpr const char* kPath = "/v1/jobs/job-1/images/0";

  static JobScript NotFinished(v1::UpscaleJobState state) {
    JobScript script{.state = state};
    script.job.mutable_error()->set_code(13);
    script.job.mutable_error()->set_message("the device broke");
    return script;
  }
};

TEST_F(JobPictureTest, GivesTheWholePicture) {
  Start(FinishedJob({"0123456789"}));

  const HttpReply reply = Get(kPath);

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "0123456789");
  EXPECT_EQ(reply.headers.at("content-type"), "image/png");
  EXPECT_EQ(reply.headers.at("content-length"), "10");
  EXPECT_EQ(reply.headers.at("accept-ranges"), "bytes");
  EXPECT_EQ(reply.headers.at("seed"), "7");
  EXPECT_EQ(reply.headers.at("etag").front(), '"');
}

TEST_F(JobPictureTest, GivesTheHeadAlone) {
  Start(FinishedJob({"0123456789"}));

  const HttpReply reply = Ask({.method = "HEAD", .path = kPath, .headers = "Range: bytes=2-3\r\n"});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.headers.at("content-length"), "10");
  EXPECT_EQ(reply.headers.at("etag"), Get(kPath).headers.at("etag"));
}

TEST_F(JobPictureTest, GoesOnWhereADownloadBrokeOff) {
  Start(FinishedJob({"0123456789"}));

  const HttpReply reply = Get(kPath, "Range: bytes=4-\r\n");

  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(reply.body, "456789");
  EXPECT_EQ(reply.headers.at("content-range"), "bytes 4-9/10");
  EXPECT_EQ(reply.headers.at("content-length"), "6");
  EXPECT_THAT(service_->downloaded_from(), ElementsAre(4));
}

TEST_F(JobPictureTest, GivesAPartFromTheMiddle) {
  Start(FinishedJob({"0123456789"}));

  const HttpReply reply = Get(kPath, "Range: bytes=2-6\r\n");

  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(reply.body, "23456");
}

TEST_F(JobPictureTest, RefusesARangeThatThereIsNot) {
  Start(FinishedJob({"0123456789"}));

  const HttpReply reply = Get(kPath, "Range: bytes=10-\r\n");

  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.headers.at("content-range"), "bytes */10");
  EXPECT_EQ(ErrorIn(reply)["code"], "range_not_satisfiable");
}

TEST_F(JobPictureTest, GivesTheWholeWhereSeveralRangesAreAskedFor) {
  Start(FinishedJob({"0123456789"}));

  EXPECT_EQ(Get(kPath, "Range: bytes=0-1,4-5\r\n").body, "0123456789");
}

TEST_F(JobPictureTest, GivesAPartOfTheVeryPictureAlone) {
  Start(FinishedJob({"0123456789"}));
  const std::string tag = Get(kPath).headers.at("etag");

  const HttpReply same = Get(kPath, "Range: bytes=4-\r\nIf-Range: " + tag + "\r\n");
  const HttpReply other = Get(kPath, "Range: bytes=4-\r\nIf-Range: \"other\"\r\n");

  EXPECT_EQ(same.status, 206);
  EXPECT_EQ(other.status, 200);
  EXPECT_EQ(other.body, "0123456789");
}

TEST_F(JobPictureTest, SendsNothingToWhoHasItAlready) {
  Start(FinishedJob({"0123456789"}));
  const std::string tag = Get(kPath).headers.at("etag");

  const HttpReply reply = Get(kPath, "If-None-Match: " + tag + "\r\nRange: bytes=4-\r\n");

  EXPECT_EQ(reply.status, 304);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.headers.at("etag"), tag);
  EXPECT_EQ(Get(kPath, "If-None-Match: \"other\"\r\n").status, 200);
}

TEST_F(JobPictureTest, AsksToComeBackForAJobThatRuns) {
  Start({.state = v1::UPSCALE_JOB_STATE_RUNNING});

  const HttpReply reply = Get(kPath);

  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(ErrorIn(reply)["code"], "job_not_finished");
  EXPECT_EQ(reply.headers.count("x-should-retry"), 0U);
}

TEST_F(JobPictureTest, SaysThatAJobThatEndedOtherwiseHasNone) {
  for (const auto& [state, code] :
       {std::pair(v1::UPSCALE_JOB_STATE_FAILED, "job_failed"),
        std::pair(v1::UPSCALE_JOB_STATE_CANCELLED, "job_cancelled"),
        std::pair(v1::UPSCALE_JOB_STATE_INTERRUPTED, "job_interrupted")}) {
    Start(NotFinished(state));

    const HttpReply reply = Get(kPath);

    EXPECT_EQ(reply.status, 410);
    EXPECT_EQ(ErrorIn(reply)["code"], code);
    EXPECT_THAT(ErrorIn(reply)["message"], HasSubstr("the device broke"));
    gateway_.reset();
  }
}

TEST_F(JobPictureTest, KnowsNoOtherPicture) {
  Start(FinishedJob({"0123456789"}));

  for (const char* index : {"1", "x", "-1", "0x", "99999999999"}) {
    const HttpReply reply = Get(std::string("/v1/jobs/job-1/images/") + index);
    EXPECT_EQ(reply.status, 404) << index;
    EXPECT_EQ(ErrorIn(reply)["code"], "image_not_found") << index;
  }
}

TEST_F(JobPictureTest, BreaksOffWhereTheServiceDoes) {
  JobScript script = FinishedJob({"0123456789"});
  script.download_breaks = {2};
  Start(script);

  const HttpReply reply = Get(kPath);

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-length"), "10");
  EXPECT_EQ(reply.body, "012345");
}

TEST_F(JobPictureTest, EndsTheDownloadOfAClientThatGoes) {
  // More than sockets and gRPC's windows hold: the service cannot have written it all.
  JobScript script = FinishedJob({std::string(std::size_t{64} << 20, 'x')});
  script.chunk_bytes = std::size_t{64} << 10;
  Start(script);
  HttpConnection slow(gateway_->port());
  slow.Ask({.path = kPath});
  service_->AwaitAsked(2);

  slow.Close();

  service_->AwaitCutOff(1);
  EXPECT_LT(service_->chunks(), 1024U);
}

}  // namespace
}  // namespace upscaler
