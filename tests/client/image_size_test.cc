#include "client/image_size.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(SizeNamedTest, ReadsWhatSizeNameWrites) {
  const auto size = SizeNamed("640x4294967295");

  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(size->width(), 640U);
  EXPECT_EQ(size->height(), 4'294'967'295U);
  EXPECT_EQ(SizeName(*size), "640x4294967295");
}

TEST(SizeNamedTest, ReadsNothingElse) {
  for (const char* text : {"", "x", "640", "640x", "x480", "640x480x2", "640X480", "640*480",
                           "640 x480", "640x 480", "640x480 ", "+640x480", "-640x480", "0x480",
                           "640x0", "0640x480", "640.0x480", "640x4294967296"}) {
    EXPECT_FALSE(SizeNamed(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace upscaler
