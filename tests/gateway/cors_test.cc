#include "gateway/cors.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const HttpHeaders kFromShop = {{"Origin", "https://shop.example"}};
const HttpHeaders kFromElsewhere = {{"Origin", "https://elsewhere.example"}};

Cors ParseWell(const std::vector<std::string>& origins) {
  const auto cors = Cors::Parse(origins);
  EXPECT_THAT(cors, IsOk());
  return *cors;
}

TEST(CorsTest, LetsEverybodyInUnlessTold) {
  for (const Cors& cors : {Cors(), ParseWell({"*"})}) {
    EXPECT_THAT(cors.ForAnswer(kFromShop), Contains(Pair("Access-Control-Allow-Origin", "*")));
    EXPECT_THAT(cors.ForAnswer({}), Contains(Pair("Access-Control-Allow-Origin", "*")));
  }
}

TEST(CorsTest, LetsScriptsSeeWhatAnswersAreAbout) {
  for (const char* header : {"Location", "Retry-After", "Seed", "ETag", "Content-Range",
                             "Preference-Applied", "X-Request-Id", "x-should-retry"}) {
    EXPECT_THAT(Cors().ForAnswer(kFromShop),
                Contains(Pair("Access-Control-Expose-Headers", HasSubstr(header))));
  }
}

TEST(CorsTest, EchoesAnOriginOfTheList) {
  const Cors cors = ParseWell({"http://localhost:3000", "https://shop.example"});

  const HttpHeaders headers = cors.ForAnswer(kFromShop);

  EXPECT_THAT(headers, Contains(Pair("Access-Control-Allow-Origin", "https://shop.example")));
  EXPECT_THAT(headers, Contains(Pair("Vary", "Origin")));
}

TEST(CorsTest, SaysNothingToOthersButToCaches) {
  const Cors cors = ParseWell({"https://shop.example"});

  EXPECT_THAT(cors.ForAnswer(kFromElsewhere), ElementsAre(Pair("Vary", "Origin")));
  EXPECT_THAT(cors.ForAnswer({}), ElementsAre(Pair("Vary", "Origin")));
  EXPECT_THAT(cors.ForAnswer({{"Origin", "null"}}), ElementsAre(Pair("Vary", "Origin")));
  EXPECT_THAT(cors.ForPreflight(kFromElsewhere, "GET"), IsEmpty());
}

TEST(CorsTest, SaysNothingToAnybodyWhereNoneMayCall) {
  const Cors cors = ParseWell({"none"});

  EXPECT_THAT(cors.ForAnswer(kFromShop), IsEmpty());
  EXPECT_THAT(cors.ForPreflight(kFromShop, "GET"), IsEmpty());
}

TEST(CorsTest, APreflightAllowsTheMethodsAndTheHeadersAskedFor) {
  HttpHeaders asked = kFromShop;
  asked.emplace_back("Access-Control-Request-Headers", "authorization,prefer");

  const HttpHeaders headers = ParseWell({"https://shop.example"}).ForPreflight(asked, "GET, POST");

  EXPECT_THAT(headers, Contains(Pair("Access-Control-Allow-Methods", "GET, POST")));
  EXPECT_THAT(headers, Contains(Pair("Access-Control-Allow-Headers", "authorization,prefer")));
  EXPECT_THAT(headers, Contains(Pair("Access-Control-Max-Age", "86400")));
}

TEST(CorsTest, TakesOriginsAsBrowsersSpellThem) {
  for (const char* good :
       {"https://shop.example", "http://localhost:3000", "http://127.0.0.1:8080",
        "http://[::1]:8080", "chrome-extension://abcdef", "http://shop.example:443"}) {
    EXPECT_THAT(Cors::Parse({good}), IsOk()) << good;
  }
}

TEST(CorsTest, RefusesWhatNoBrowserSends) {
  for (const char* bad :
       {"", "shop.example", "https://", "https://shop.example/", "https://shop.example/page",
        "HTTPS://shop.example", "https://Shop.example", "https://shop.example:443",
        "http://shop.example:80", "https://shop.example:", "https://shop.example:0",
        "https://shop.example:99999", "https://*.example", "://shop.example", "null", "https://a b",
        "https://shop.example\r\nX: y"}) {
    EXPECT_THAT(Cors::Parse({bad}), StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
  EXPECT_THAT(Cors::Parse({}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CorsTest, RefusesAllAndNoneBesideOthers) {
  for (const char* word : {"*", "none"}) {
    EXPECT_THAT(Cors::Parse({"https://shop.example", word}),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace upscaler
