#include "client/image_format.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::Optional;

TEST(FormatNamedTest, ReadsWhatFormatNameWritesOfEveryFormat) {
  const auto& formats = *v1::ImageFormat_descriptor();
  for (int i = 1; i < formats.value_count(); ++i) {
    const auto format = static_cast<v1::ImageFormat>(formats.value(i)->number());
    EXPECT_THAT(FormatNamed(FormatName(format)), Optional(format)) << formats.value(i)->name();
  }
}

TEST(FormatNamedTest, KnowsTheNamesThatFilesHave) {
  EXPECT_THAT(FormatNamed("jpg"), Optional(v1::IMAGE_FORMAT_JPEG));
  EXPECT_THAT(FormatNamed("tif"), Optional(v1::IMAGE_FORMAT_TIFF));
  EXPECT_EQ(FormatNamed("heic"), std::nullopt);
}

TEST(MediaTypeOfTest, IsThatOfTheFormat) {
  EXPECT_EQ(MediaTypeOf(v1::IMAGE_FORMAT_UNSPECIFIED), "image/png");
  EXPECT_EQ(MediaTypeOf(v1::IMAGE_FORMAT_TIFF), "image/tiff");
  EXPECT_EQ(MediaTypeOf(v1::IMAGE_FORMAT_AVIF), "image/avif");
}

}  // namespace
}  // namespace upscaler
