#include "gateway/route_table.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

RouteTable::Handle Status(int status) {
  return [status](const RoutedRequest& /*request*/) { return HttpResponse{.status = status}; };
}

class RouteTableTest : public ::testing::Test {
 protected:
  RouteTableTest() {
    table_.Add("GET", "/jobs/{job}", Status(1));
    table_.Add("DELETE", "/jobs/{job}", Status(2));
    table_.Add("GET", "/jobs/{job}/images/{image}", Status(3));
    table_.Add("POST", "/jobs", Status(4));
  }

  // The status of the route that is found, or 0.
  int Find(const std::string& method, const std::string& path) {
    const HttpRequest http{.method = method, .path = path};
    RoutedRequest request{.http = http, .id = "id"};
    const RouteTable::Handle* const handle = table_.Find(request);
    parameters_ = request.parameters;
    return handle == nullptr ? 0 : std::get<HttpResponse>((*handle)(request)).status;
  }

  RouteTable table_;
  std::vector<std::string> parameters_;
};

TEST_F(RouteTableTest, FindsARouteByMethodAndPath) {
  EXPECT_EQ(Find("GET", "/jobs/a"), 1);
  EXPECT_EQ(Find("DELETE", "/jobs/a"), 2);
  EXPECT_EQ(Find("POST", "/jobs"), 4);
}

TEST_F(RouteTableTest, TakesWhatStandsForNamesInThePath) {
  EXPECT_EQ(Find("GET", "/jobs/a/images/2"), 3);
  EXPECT_THAT(parameters_, ElementsAre("a", "2"));
}

TEST_F(RouteTableTest, TakesHeadAsGet) { EXPECT_EQ(Find("HEAD", "/jobs/a"), 1); }

TEST_F(RouteTableTest, FindsNothingForOtherMethodsAndPaths) {
  EXPECT_EQ(Find("PUT", "/jobs/a"), 0);
  EXPECT_EQ(Find("GET", "/jobs/"), 0);  // An empty part is no name's.
  EXPECT_EQ(Find("GET", "/jobs/a/b"), 0);
  EXPECT_EQ(Find("GET", "jobs/a"), 0);
  EXPECT_EQ(Find("GET", ""), 0);
}

TEST_F(RouteTableTest, NamesTheMethodsOfAPath) {
  EXPECT_EQ(table_.AllowedMethods("/jobs/a"), "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(table_.AllowedMethods("/jobs"), "OPTIONS, POST");
  EXPECT_THAT(table_.AllowedMethods("/elsewhere"), IsEmpty());
}

TEST_F(RouteTableTest, ListsItsRoutes) {
  EXPECT_THAT(table_.List(),
              ElementsAre(Pair("GET", "/jobs/{job}"), Pair("DELETE", "/jobs/{job}"),
                          Pair("GET", "/jobs/{job}/images/{image}"), Pair("POST", "/jobs")));
}

}  // namespace
}  // namespace upscaler
