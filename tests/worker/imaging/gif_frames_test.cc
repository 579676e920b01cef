#include "worker/imaging/gif_frames.h"

#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;

const std::string kHeader = "GIF89a\1\0\1\0\0\0\0"s;
const std::string kHeaderWithColours = "GIF89a\1\0\1\0\x80\0\0,,,,,,"s;
const std::string kFrame = ",\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0"s;
// Four colours of its own, and pixels in two blocks.
const std::string kFrameWithColours = ",\0\0\0\0\1\0\1\0\x81,,,,,,,,,,,,\2\1\x4c\1\1\0"s;
const std::string kEnd = ";";

TEST(GifFramesTest, CountsFramesWithAndWithoutColours) {
  EXPECT_EQ(CountGifFrames(kHeader + kFrame + kEnd, 10), 1);
  EXPECT_EQ(CountGifFrames(kHeaderWithColours + kFrame + kFrameWithColours + kFrame + kEnd, 10), 3);
  EXPECT_EQ(CountGifFrames(kHeader + kEnd, 10), 0);
}

TEST(GifFramesTest, PassesOverExtensions) {
  const std::string control = "!\xf9\4\0\0\0\0\0"s;
  const std::string comment = "!\xfe\3,,,\2,,\0"s;
  const std::string loop = "!\xff\x0bNETSCAPE2.0\3\1\0\0\0"s;
  // libvips takes what follows an empty first block for another one.
  const std::string odd = "!\1\0\2,,\0"s;

  for (const std::string& extension : {control, comment, "!\xfe\0"s, loop, odd}) {
    EXPECT_EQ(CountGifFrames(kHeader + extension + kFrame + extension + kFrame + kEnd, 10), 2);
  }
}

TEST(GifFramesTest, CountsNoFurtherThanItIsAskedTo) {
  std::string many = kHeader;
  for (int i = 0; i < 2000; ++i) many += kFrame;

  EXPECT_EQ(CountGifFrames(many, 1001), 1001);
  EXPECT_EQ(CountGifFrames(many, 5000), 2000);
}

TEST(GifFramesTest, CountsWholeFramesOfWhatIsCutOff) {
  const std::string first = kHeaderWithColours + kFrameWithColours;
  const std::string file = first + "!\xf9\4\0\0\0\0\0"s + kFrame;

  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_EQ(CountGifFrames(std::string_view(file).substr(0, length), 10),
              length < first.size() ? 0 : 1)
        << length;
  }
}

TEST(GifFramesTest, StopsAtWhatNoGifHas) {
  EXPECT_EQ(CountGifFrames(kHeader + kFrame + "x" + kFrame, 10), 1);
  EXPECT_EQ(CountGifFrames(kHeader + kFrame + kEnd + kFrame, 10), 1);
}

}  // namespace
}  // namespace upscaler
