#include "gateway/web_page.h"

#include <regex>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/embedded_files.h"
#include "tests/gateway/gateway_fixture.h"
#include "tests/support/http_client.h"

namespace upscaler {
namespace {

using test::GatewayTest;
using test::HttpReply;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

HttpRequest Get(const std::string& path, const std::string& known_tag = "") {
  return {.method = "GET", .path = path, .headers = {{"If-None-Match", known_tag}}};
}

// The addresses in a text that `pattern` captures.
std::vector<std::string> Find(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

TEST(WebPageTest, IsServedAtTheRoot) {
  const WebPage page;

  const auto answer = page.Answer(Get("/"));

  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(FindHeader(answer->headers, "content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(answer->body, StartsWith("<!doctype html>"));
}

TEST(WebPageTest, GivesEachFileItsType) {
  const WebPage page;

  const std::pair<const char*, const char*> types[] = {
      {"/page/main.js", "text/javascript; charset=utf-8"},
      {"/page/style.css", "text/css; charset=utf-8"},
      {"/page/icon.svg", "image/svg+xml"}};
  for (const auto& [path, type] : types) {
    const auto answer = page.Answer(Get(path));
    ASSERT_TRUE(answer.has_value()) << path;
    EXPECT_EQ(FindHeader(answer->headers, "content-type"), type);
    EXPECT_EQ(FindHeader(answer->headers, "x-content-type-options"), "nosniff");
  }
}

TEST(WebPageTest, HasEveryFileThatItAsksFor) {
  const WebPage page;
  const std::string index = page.Answer(Get("/"))->body;

  std::vector<std::string> wanted = Find(index, "(?:src|href)=\"(/[^\"]*)\"");
  for (const EmbeddedFile& file : PageFiles()) {
    for (const std::string& module : Find(std::string(file.content), "from '\\./([^']*)'")) {
      wanted.push_back("/page/" + module);
    }
  }

  EXPECT_THAT(wanted, Not(IsEmpty()));
  for (const std::string& path : wanted) {
    EXPECT_TRUE(page.Answer(Get(path)).has_value()) << path;
  }
}

TEST(WebPageTest, HasNothingInline) {
  for (const EmbeddedFile& file : PageFiles()) {
    if (!file.name.ends_with(".html")) continue;
    EXPECT_THAT(std::string(file.content),
                Not(ContainsRegex("<style|<script>| style=| on[a-z]+=")));
  }
}

TEST(WebPageTest, LetsABrowserLoadNothingFromElsewhere) {
  const WebPage page;

  const auto answer = page.Answer(Get("/"));

  const std::string policy(FindHeader(answer->headers, "content-security-policy"));
  EXPECT_THAT(policy, StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; "));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(FindHeader(answer->headers, "referrer-policy"), "no-referrer");
}

TEST(WebPageTest, IsNotSentAgainToWhoHasIt) {
  const WebPage page;
  const auto first = page.Answer(Get("/page/main.js"));
  const std::string tag(FindHeader(first->headers, "etag"));

  for (const std::string& known : {tag, "\"other\", W/" + tag, std::string("*")}) {
    const auto again = page.Answer(Get("/page/main.js", known));
    EXPECT_EQ(again->status, 304) << known;
    EXPECT_EQ(again->body, "");
    EXPECT_EQ(FindHeader(again->headers, "etag"), tag);
    EXPECT_EQ(FindHeader(again->headers, "cache-control"), "no-cache");
  }
}

TEST(WebPageTest, IsSentAgainToWhoHasAnother) {
  const WebPage page;
  const auto other = page.Answer(Get("/page/style.css"));
  const std::string tag(FindHeader(other->headers, "etag"));

  EXPECT_EQ(page.Answer(Get("/page/main.js", tag))->status, 200);
}

TEST(WebPageTest, HasNoOtherPaths) {
  const WebPage page;

  for (const char* path : {"/page/", "/page", "/page/index.html", "/page/../main.js", "/main.js",
                           "/page/main.js/", ""}) {
    EXPECT_FALSE(page.Answer(Get(path)).has_value()) << path;
  }
}

TEST_F(GatewayTest, ServesTheWebPage) {
  Start({});

  const HttpReply page = Ask({.path = "/"});
  const HttpReply head = Ask({.method = "HEAD", .path = "/"});
  const HttpReply known =
      Ask({.path = "/", .headers = "If-None-Match: " + page.headers.at("etag") + "\r\n"});

  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("</html>"));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(page.body.size()));
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(Ask({.path = "/page/nothing.js"}).status, 404);
  EXPECT_EQ(Ask({.method = "POST", .path = "/"}).status, 405);
}

}  // namespace
}  // namespace upscaler
