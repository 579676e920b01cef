#include "gateway/accept.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::Optional;

TEST(AcceptedFormTest, TakesTheFirstTypeThatIsOffered) {
  EXPECT_THAT(AcceptedForm("image/png").image, Optional(v1::IMAGE_FORMAT_PNG));
  EXPECT_THAT(AcceptedForm("image/avif, IMAGE/WebP;q=0.9, */*").image,
              Optional(v1::IMAGE_FORMAT_WEBP));
  EXPECT_TRUE(AcceptedForm("text/html, TEXT/Event-Stream;q=0.9, image/png").events);
  EXPECT_FALSE(AcceptedForm("image/png, text/event-stream").events);
}

TEST(AcceptedFormTest, IsJsonForAllOthers) {
  for (const char* accept : {"", "*/*", "text/html", "application/json, image/png",
                             "application/*, text/event-stream", ",,", "image/png2"}) {
    const AnswerForm form = AcceptedForm(accept);
    EXPECT_EQ(form.image, std::nullopt) << accept;
    EXPECT_FALSE(form.events) << accept;
  }
}

}  // namespace
}  // namespace upscaler
