#include "worker/imaging/tiff_directories.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;

TEST(TiffDirectoriesTest, CountsThoseOfBothByteOrdersAndBothKinds) {
  // Without entries: a count of none, and where the next one is.
  const std::string little = "II*\0\x08\0\0\0"s + "\0\0\x0e\0\0\0"s + "\0\0\0\0\0\0"s;
  const std::string large = "MM\0*\0\0\0\x08"s + "\0\0\0\0\0\x0e"s + "\0\0\0\0\0\0"s;
  const std::string big = "II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"s + std::string(16, '\0');

  EXPECT_EQ(CountTiffDirectories(little, 10), 2);
  EXPECT_EQ(CountTiffDirectories(large, 10), 2);
  EXPECT_EQ(CountTiffDirectories(big, 10), 1);
}

TEST(TiffDirectoriesTest, StopsWhereTheyGoInCircles) {
  EXPECT_EQ(CountTiffDirectories("II*\0\x08\0\0\0\0\0\x08\0\0\0"s, 1001), 1001);
}

TEST(TiffDirectoriesTest, FindsNoneInWhatIsCutOff) {
  EXPECT_EQ(CountTiffDirectories("II*\0"s, 10), 0);
  EXPECT_EQ(CountTiffDirectories("II*\0\xff\0\0\0"s, 10), 0);
  EXPECT_EQ(CountTiffDirectories("II*\0\x08\0\0\0\xff\xff"s, 10), 1);
}

}  // namespace
}  // namespace upscaler
