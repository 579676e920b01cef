#include "worker/imaging/iptc.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;

const std::string kRecord = "\x1c\x02\x78\0\3cat\0\0\0\0"s;
// That of which libvips writes a quarter.
const std::string kZeros(3 * kRecord.size(), '\0');
// Something else comes first: two bytes of resource 1000, which has the name "ab".
const std::string kResources =
    "Photoshop 3.0\0"s + "8BIM\x03\xe8\x02"s + "ab\0\0\0\0\x02xy"s + "8BIM\4\4\0\0\0\0\0\x0c"s;

TEST(IptcTest, WrapsForJpegAndUnwrapsForTiff) {
  EXPECT_EQ(IptcForJpeg(kRecord), "Photoshop 3.0\0008BIM\4\4\0\0\0\0\0\x0c"s + kRecord);
  EXPECT_EQ(IptcForTiff(IptcForJpeg(kRecord)), kRecord + kZeros);
}

TEST(IptcTest, FindsTheRecordAmongOtherResources) {
  EXPECT_EQ(IptcForTiff(kResources + kRecord), kRecord + kZeros);
}

TEST(IptcTest, LeavesOtherResourcesOut) {
  // A copy of EXIF, and a thumbnail.
  const std::string others = "8BIM\x04\x22\0\0\0\0\0\4GPS "s + "8BIM\x04\x0c\0\0\0\0\0\4JFIF"s;

  EXPECT_EQ(IptcForJpeg(kResources + kRecord + others), IptcForJpeg(kRecord));
  EXPECT_EQ(IptcForJpeg("Photoshop 3.0\0"s + others), "");
}

TEST(IptcTest, LeavesWhatIsWrappedAsItShouldBe) {
  EXPECT_EQ(IptcForJpeg(IptcForJpeg(kRecord)), IptcForJpeg(kRecord));
  EXPECT_EQ(IptcForTiff(kRecord), kRecord + kZeros);
}

TEST(IptcTest, MakesNothingOfDamage) {
  EXPECT_EQ(IptcForJpeg(""), "");
  EXPECT_EQ(IptcForJpeg(std::string(70'000, '\0')), "");
  EXPECT_EQ(IptcForJpeg(kRecord.substr(0, 6)), "");
  EXPECT_EQ(IptcForTiff(kRecord.substr(0, 6)), "");
  const std::string whole = kResources + kRecord;
  for (std::size_t length = 14; length < whole.size(); ++length) {
    EXPECT_EQ(IptcForTiff(whole.substr(0, length)), "") << length;
    EXPECT_EQ(IptcForJpeg(whole.substr(0, length)), "") << length;
  }
}

}  // namespace
}  // namespace upscaler
