#include "gateway/accept.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::Optional;

TEST(AcceptedFormTest, TakesTheFirstTypeThatIsOffered) {
  EXPECT_THAT(AcceptedForm("image/png").image, Optional(v1::IMAGE_FORMAT_PNG));
  EXPECT_THAT(AcceptedForm("image/heic, IMAGE/WebP, */*").image, Optional(v1::IMAGE_FORMAT_WEBP));
  EXPECT_THAT(AcceptedForm("image/tiff").image, Optional(v1::IMAGE_FORMAT_TIFF));
  EXPECT_THAT(AcceptedForm("image/avif, image/webp").image, Optional(v1::IMAGE_FORMAT_AVIF));
  EXPECT_TRUE(AcceptedForm("text/html, TEXT/Event-Stream, image/png").events);
  EXPECT_FALSE(AcceptedForm("image/png, text/event-stream").events);
}

TEST(AcceptedFormTest, TakesWhatWeighsMost) {
  EXPECT_THAT(AcceptedForm("application/json;q=0.5, image/png;q=0.8").image,
              Optional(v1::IMAGE_FORMAT_PNG));
  EXPECT_TRUE(AcceptedForm("*/*;q=0.1, text/event-stream; x=y; q=0.2").events);
  EXPECT_EQ(AcceptedForm("image/png;q=0.9, */*").image, std::nullopt);
  EXPECT_EQ(AcceptedForm("image/png;q=0, text/html").image, std::nullopt);
  EXPECT_THAT(AcceptedForm("image/png;q=high, image/webp").image, Optional(v1::IMAGE_FORMAT_PNG));
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
