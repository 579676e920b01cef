// Questions about jobs, from socket to socket.

#include "gateway/job_routes.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/gateway/job_gateway_fixture.h"

namespace upscaler {
namespace {

using test::FinishedJob;
using test::HttpConnection;
using test::HttpReply;
using test::JobScript;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using JobRoutesTest = test::JobGatewayTest;

TEST_F(JobRoutesTest, TellsHowAJobStands) {
  Start(FinishedJob({"picture"}));

  const HttpReply reply = Get("/v1/jobs/job-1");

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("cache-control"), "no-store");
  const auto job = JsonIn(reply);
  EXPECT_EQ(job["id"], "job-1");
  EXPECT_EQ(job["object"], "upscale.job");
  EXPECT_EQ(job["status"], "succeeded");
  EXPECT_EQ(job["model"], "the-model");
  EXPECT_EQ(job["images"][0]["url"], "/v1/jobs/job-1/images/0");
  EXPECT_EQ(job["images"][0]["bytes"], 7);
}

TEST_F(JobRoutesTest, PassesOnWhoAsks) {
  Start({});

  Get("/v1/jobs/job-1", "Authorization: Bearer key-1\r\nX-Request-Id: mine-1\r\n");

  const auto asked = service_->asked();
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].method, "Get");
  EXPECT_EQ(asked[0].authorization, "Bearer key-1");
  EXPECT_EQ(asked[0].request_id, "mine-1");
}

TEST_F(JobRoutesTest, CancelsAJob) {
  Start({.state = v1::UPSCALE_JOB_STATE_RUNNING});

  const HttpReply reply = Ask({.method = "POST", .path = "/v1/jobs/job-1/cancel"});

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(JsonIn(reply)["status"], "cancelled");
  EXPECT_EQ(service_->asked().at(0).method, "Cancel");
}

TEST_F(JobRoutesTest, DeletesAJob) {
  Start({});

  const HttpReply reply = Ask({.method = "DELETE", .path = "/v1/jobs/job-1"});

  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(service_->asked().at(0).method, "Delete");
}

TEST_F(JobRoutesTest, KnowsNoOtherJob) {
  Start({});

  for (const auto& [method, path] :
       {std::pair("GET", "/v1/jobs/other"), std::pair("DELETE", "/v1/jobs/other"),
        std::pair("POST", "/v1/jobs/other/cancel"), std::pair("GET", "/v1/jobs/other/events"),
        std::pair("GET", "/v1/jobs/other/images/0")}) {
    const HttpReply reply = Ask({.method = method, .path = path});
    EXPECT_EQ(reply.status, 404) << method << " " << path;
    EXPECT_EQ(ErrorIn(reply)["code"], "job_not_found");
  }
}

TEST_F(JobRoutesTest, AsksTheServiceForNothingThatIsNoId) {
  Start({});

  for (const std::string& id : {std::string("%C3%28"), std::string("a.b"), std::string(101, 'a')}) {
    const HttpReply reply = Get("/v1/jobs/" + id);
    EXPECT_EQ(reply.status, 404) << id;
    EXPECT_EQ(ErrorIn(reply)["param"], "job_id") << id;
  }
  EXPECT_THAT(service_->asked(), IsEmpty());
}

TEST_F(JobRoutesTest, ListsAPageOfJobs) {
  Start({});

  const HttpReply reply = Get("/v1/jobs?limit=7&after=1-2&status=running");

  EXPECT_EQ(reply.status, 200);
  const auto list = JsonIn(reply);
  EXPECT_EQ(list["object"], "list");
  EXPECT_THAT(list["data"], SizeIs(1));
  EXPECT_EQ(list["data"][0]["id"], "job-1");
  EXPECT_EQ(list["has_more"], true);
  EXPECT_EQ(list["next"], "1-2+");
  const auto listed = service_->listed();
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0].page_size(), 7U);
  EXPECT_EQ(listed[0].page_token(), "1-2");
  EXPECT_EQ(listed[0].state(), v1::UPSCALE_JOB_STATE_RUNNING);
}

TEST_F(JobRoutesTest, SaysWhichPageIsTheLast) {
  Start({.pages = 1});
  Get("/v1/jobs");

  const auto list = JsonIn(Get("/v1/jobs?after=%2B"));

  EXPECT_EQ(list["has_more"], false);
  EXPECT_EQ(list["next"], nullptr);
  EXPECT_EQ(service_->listed().at(0).page_size(), 20U);
  EXPECT_EQ(service_->listed().at(0).state(), v1::UPSCALE_JOB_STATE_UNSPECIFIED);
}

TEST_F(JobRoutesTest, NamesTheFieldOfAPageThatThereIsNot) {
  Start({});

  for (const auto& [query, param] :
       {std::pair("limit=0", "limit"), std::pair("limit=101", "limit"),
        std::pair("limit=x", "limit"), std::pair("limit=1x", "limit"),
        std::pair("status=done", "status"), std::pair("status=RUNNING", "status"),
        std::pair("after=%FF", "after")}) {
    const HttpReply reply = Get(std::string("/v1/jobs?") + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(ErrorIn(reply)["param"], param) << query;
  }
  EXPECT_THAT(service_->listed(), IsEmpty());
}

TEST_F(JobRoutesTest, SaysWhichMethodsJobsTake) {
  Start({});

  EXPECT_EQ(Ask({.method = "POST", .path = "/v1/jobs/job-1"}).headers.at("allow"),
            "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(Get("/v1/jobs/job-1/cancel").headers.at("allow"), "OPTIONS, POST");
}

}  // namespace
}  // namespace upscaler
