#include "gateway/job_list.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/channel.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_job_service.h"

namespace upscaler {
namespace {

using nlohmann::json;
using test::FakeJobService;
using ::testing::SizeIs;

// Two servers, each of which has one job and says on its first page that there is no other.
class JobListTest : public ::testing::Test {
 protected:
  json List(const std::string& after) {
    const HttpRequest http{.method = "GET", .path = "/v1/jobs", .query = {{"after", after}}};
    RouteTable::Outcome outcome = ListJobs(backend_, {.http = http, .id = "call-1"});
    if (const auto* refusal = std::get_if<HttpResponse>(&outcome)) {
      return json::parse(refusal->body);
    }
    std::promise<HttpResponse> answer;
    std::get<std::shared_ptr<RequestHandler>>(outcome)->OnComplete(
        [&answer](HttpResponse response) { answer.set_value(std::move(response)); });
    return json::parse(answer.get_future().get().body);
  }

  std::string Public(std::size_t server, const char* text) const {
    return fmt::format("{}{}", prefix(server), text);
  }
  const std::string& prefix(std::size_t server) const { return backends_->homes()[server].prefix; }

  FakeJobService first_{{.pages = 0}};
  FakeJobService second_{{.pages = 0}};
  std::shared_ptr<grpc::Channel> channel_ = MakeChannel(first_.target());
  std::unique_ptr<const Backends> backends_ =
      Backends::Several(channel_, {{"one:1", MakeChannel(first_.target()), nullptr},
                                   {"two:2", MakeChannel(second_.target()), nullptr}})
          .value();
  test::FakeClock clock_;
  UploadBudget uploads_{/*bytes=*/1};
  KeepAlive keep_alive_{std::chrono::hours(1)};
  OpenCalls open_calls_;
  ThreadPool pool_{1};
  UpscaleBackend backend_{.backends = *backends_,
                          .model = [] { return std::string("the-model"); },
                          .max_upload_bytes = 0,
                          .timeout = std::chrono::milliseconds(0),
                          .clock = clock_,
                          .on_refused = nullptr,
                          .uploads = uploads_,
                          .authorize = nullptr,
                          .keep_alive = keep_alive_,
                          .open_calls = open_calls_,
                          .pool = pool_};
};

TEST_F(JobListTest, GoesFromOneServerToTheNext) {
  const json first = List("");
  const json second = List(first["next"]);

  EXPECT_THAT(first["data"], SizeIs(1));
  EXPECT_EQ(first["data"][0]["id"], Public(0, "job-1"));
  EXPECT_EQ(first["has_more"], true);
  EXPECT_EQ(first["next"], prefix(1));
  EXPECT_EQ(second["data"][0]["id"], Public(1, "job-1"));
  EXPECT_EQ(second["data"][0]["images"], json::array());
  EXPECT_EQ(second["has_more"], false);
  EXPECT_EQ(second["next"], nullptr);
}

TEST_F(JobListTest, GivesAServerItsOwnToken) {
  List(Public(1, "17"));

  EXPECT_TRUE(first_.listed().empty());
  ASSERT_EQ(second_.listed().size(), 1U);
  EXPECT_EQ(second_.listed()[0].page_token(), "17");
}

TEST_F(JobListTest, KnowsNoOtherServer) { EXPECT_EQ(List("other-17")["error"]["param"], "after"); }

}  // namespace
}  // namespace upscaler
