#include "gateway/http_message.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

HttpRequest With(HttpHeaders headers) {
  return {.method = "POST", .path = "/", .headers = std::move(headers)};
}

TEST(HttpMessageTest, FindsTheFirstHeaderInAnyCase) {
  const HttpHeaders headers = {{"X-One", "1"}, {"x-one", "2"}};

  EXPECT_EQ(FindHeader(headers, "x-ONE"), "1");
  EXPECT_EQ(FindHeader(headers, "x-two"), "");
}

TEST(HttpMessageTest, KnowsWhetherABodyFollows) {
  EXPECT_TRUE(HasBody(With({{"Content-Length", "1"}})));
  EXPECT_TRUE(HasBody(With({{"Transfer-Encoding", "chunked"}})));
  EXPECT_FALSE(HasBody(With({{"Content-Length", "0"}})));
  EXPECT_FALSE(HasBody(With({})));
}

TEST(HttpMessageTest, TellsWhetherTheLengthIsClear) {
  EXPECT_TRUE(HasClearLength(With({})));
  EXPECT_TRUE(HasClearLength(With({{"content-length", "7"}})));
  EXPECT_TRUE(HasClearLength(With({{"Transfer-Encoding", "Chunked"}})));
  EXPECT_FALSE(HasClearLength(With({{"Content-Length", "7"}, {"content-length", "8"}})));
  EXPECT_FALSE(HasClearLength(With({{"Content-Length", "7"}, {"Transfer-Encoding", "chunked"}})));
  EXPECT_FALSE(HasClearLength(With({{"Transfer-Encoding", "gzip"}})));
  EXPECT_FALSE(
      HasClearLength(With({{"Transfer-Encoding", "identity"}, {"Transfer-Encoding", "chunked"}})));
}

}  // namespace
}  // namespace upscaler
