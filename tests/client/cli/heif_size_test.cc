#include "client/cli/heif_size.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "client/image_size.h"

namespace upscaler {
namespace {

using namespace std::string_literals;

std::string Number(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string Box(const std::string& type, const std::string& content) {
  return Number(static_cast<std::uint32_t>(8 + content.size()), 4) + type + content;
}

const std::string kVersion0(4, '\0');

std::string Extent(std::uint32_t width, std::uint32_t height) {
  return Box("ispe", kVersion0 + Number(width, 4) + Number(height, 4));
}

std::string Turn(char quarters) { return Box("irot", std::string(1, quarters)); }

// A file whose picture is item 2. Item 1, its thumbnail, has the first of the properties, and
// the picture all others.
std::string File(const std::string& properties, int count) {
  std::string associations = kVersion0 + Number(2, 4) + "\0\x01\x01\x01"s + "\0\x02"s;
  associations += static_cast<char>(count - 1);
  for (int i = 2; i <= count; ++i) associations += static_cast<char>(0x80 | i);
  const std::string meta = Box("pitm", kVersion0 + "\0\x02"s) +
                           Box("iprp", Box("ipco", properties) + Box("ipma", associations));
  return Box("ftyp", "avif" + Number(0, 4)) + Box("meta", kVersion0 + meta) + Box("mdat", "xyz");
}

std::string SizeIn(const std::string& file) {
  const auto size = ReadHeifSize(file);
  return size.has_value() ? SizeName(*size) : "none";
}

TEST(HeifSizeTest, IsThePicturesAndNotItsThumbnails) {
  const std::string file = File(Extent(30, 20) + Extent(300, 200), 2);

  EXPECT_TRUE(IsHeif(file));
  EXPECT_EQ(SizeIn(file), "300x200");
}

TEST(HeifSizeTest, IsThatOfThePictureUpright) {
  EXPECT_EQ(SizeIn(File(Extent(3, 2) + Extent(300, 200) + Turn(1), 3)), "200x300");
  EXPECT_EQ(SizeIn(File(Extent(3, 2) + Extent(300, 200) + Turn(2), 3)), "300x200");
  EXPECT_EQ(SizeIn(File(Extent(3, 2) + Turn(3) + Extent(300, 200), 3)), "200x300");
}

TEST(HeifSizeTest, IsNoneWhereTheFileEndsEarlyOrSaysNothing) {
  const std::string file = File(Extent(30, 20) + Extent(300, 200), 2);
  const std::size_t picture = file.find("mdat");
  for (std::size_t size = 0; size < picture - 4; ++size) {
    EXPECT_EQ(SizeIn(file.substr(0, size)), "none") << size;
  }
  EXPECT_EQ(SizeIn(File(Extent(30, 20) + Turn(1), 2)), "none");
  EXPECT_EQ(SizeIn(File(Extent(30, 20), 9)), "none");
  EXPECT_FALSE(IsHeif("\x89PNG\r\n\x1a\n"));
}

}  // namespace
}  // namespace upscaler
