#include "client/cli/picture_size.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;

// "300x200", or "none".
std::string SizeOf(const std::string& file) {
  const auto size = ReadPictureSize(file);
  if (!size.has_value()) return "none";
  return std::to_string(size->width()) + "x" + std::to_string(size->height());
}

const std::string kPng = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\0\xc8\x08\x02\0\0\0"s;
// A segment to skip, a table whose marker is among the frames', then the frame.
const std::string kJpeg =
    "\xff\xd8\xff\xe0\0\x04xx\xff\xc4\0\x03x\xff\xff\xc2\0\x11\x08\0\xc8\x01\x2c\x03"s;
const std::string kGif = "GIF89a\x2c\x01\xc8\0\0\0"s;
const std::string kRiff = "RIFF\x40\0\0\0WEBP"s;
const std::string kWebpLossy = kRiff + "VP8 \x20\0\0\0\0\0\0\x9d\x01\x2a\x2c\x01\xc8\0"s;
const std::string kWebpExtended = kRiff + "VP8X\x0a\0\0\0\0\0\0\0\x2b\x01\0\xc7\0\0"s;
// 299 and 199, in 14 bits each.
const std::string kWebpLossless = kRiff + "VP8L\x20\0\0\0\x2f\x2b\xc1\x31\0\0\0\0\0\0"s;
const std::string kTiffLittle =
    "II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x2c\x01\0\0\x01\x01\x04\0\x01\0\0\0\xc8\0\0\0"s;
const std::string kTiffBig =
    "MM\0*\0\0\0\x08\0\x02\x01\0\0\x03\0\0\0\x01\x01\x2c\0\0\x01\x01\0\x04\0\0\0\x01\0\0\0\xc8"s;

// One entry: the orientation.
std::string Exif(char orientation) {
  return "\xff\xe1\0\x22"
         "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s +
         orientation + "\0\0\0\0\0\0"s;
}

std::string WithOrientation(std::string jpeg, char orientation) {
  return jpeg.insert(2, Exif(orientation));
}

TEST(PictureSizeTest, MeasuresPicturesUpright) {
  std::string tiff = kTiffLittle;
  tiff[8] = 3;
  tiff += "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"s;

  EXPECT_EQ(SizeOf(WithOrientation(kJpeg, 4)), "300x200");
  EXPECT_EQ(SizeOf(WithOrientation(kJpeg, 5)), "200x300");
  EXPECT_EQ(SizeOf(WithOrientation(kJpeg, 8)), "200x300");
  EXPECT_EQ(SizeOf(WithOrientation(kJpeg, 9)), "300x200");
  EXPECT_EQ(SizeOf(tiff), "200x300");
}

TEST(PictureSizeTest, ReadsEachFormat) {
  for (const std::string& file :
       {kPng, kJpeg, kGif, kWebpLossy, kWebpExtended, kWebpLossless, kTiffLittle, kTiffBig}) {
    EXPECT_EQ(SizeOf(file), "300x200") << file.substr(0, 16);
  }
}

TEST(PictureSizeTest, FindsNothingInOtherFiles) {
  EXPECT_EQ(SizeOf(""), "none");
  EXPECT_EQ(SizeOf("a text"), "none");
  EXPECT_EQ(SizeOf(kRiff + std::string(40, 'x')), "none");
}

TEST(PictureSizeTest, BearsFilesThatEndEarly) {
  for (const std::string& file :
       {kPng, kJpeg, kGif, kWebpLossy, kWebpExtended, kWebpLossless, kTiffLittle, kTiffBig}) {
    for (std::size_t size = 0; size < 10; ++size) {
      EXPECT_NE(SizeOf(file.substr(0, size)), "300x200");
    }
  }
}

TEST(PictureSizeTest, BearsNonsenseAfterTheMagic) {
  EXPECT_EQ(SizeOf("\xff\xd8"s + std::string(100, 'x')), "none");
  EXPECT_EQ(SizeOf("\xff\xd8"s + std::string(100, '\xff')), "none");
  EXPECT_EQ(SizeOf("\xff\xd8"s + Exif(6).substr(0, 12)), "none");
  EXPECT_EQ(SizeOf("II*\0\xff\xff\xff\xff"s + std::string(100, 'x')), "none");
  EXPECT_EQ(SizeOf("\x89PNG\r\n\x1a\n"s + std::string(100, '\0')), "none");
}

}  // namespace
}  // namespace upscaler
