#include "worker/imaging/file_signature.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;
using ::testing::Contains;

TEST(FileSignatureTest, NamesWhatIsRead) {
  for (const auto& [bytes, name] : {std::pair("\x89PNG\r\n\x1a\n"s, "PNG"),
                                    {"\xff\xd8\xff\xe0"s, "JPEG"},
                                    {"RIFF\1\0\0\0WEBPVP8 "s, "WebP"},
                                    {"II*\0\x08\0\0\0\0\0"s, "TIFF"},
                                    {"MM\0*\0\0\0\x08"s, "TIFF"},
                                    {"II+\0\x08\0\0\0"s, "TIFF"},
                                    {"GIF89a"s, "GIF"},
                                    {"\0\0\0 ftypavif\0\0\0\0"s, "AVIF"},
                                    {"\0\0\0 ftypheic\0\0\0\0"s, "HEIC"},
                                    {"\0\0\0 ftypmif1\0\0\0\0"s, "HEIC"}}) {
    const auto signature = RecogniseFile(bytes);

    ASSERT_TRUE(signature.has_value()) << name;
    EXPECT_EQ(signature->name, name);
    EXPECT_TRUE(signature->readable) << name;
  }
}

TEST(FileSignatureTest, NamesWhatIsNot) {
  for (const auto& [bytes, name] :
       {std::pair("BM\x46\0\0\0\0\0\0\0\x36\0\0\0"s, "BMP"),
        {"\xff\x0a\xfa\x7f"s, "JPEG XL"},
        {"\0\0\0\x0cJXL \r\n\x87\n"s, "JPEG XL"},
        {"\0\0\0\x0cjP  \r\n\x87\n"s, "JPEG 2000"},
        {"8BPS\0\1"s, "Photoshop (PSD)"},
        {"<svg xmlns='http://www.w3.org/2000/svg'/>"s, "SVG"},
        {"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn --><svg/>"s, "SVG"},
        {"%PDF-1.4"s, "PDF"},
        {"\x76\x2f\x31\x01"s, "OpenEXR"},
        {"\0\0\1\0\1\0"s, "ICO"},
        {"DDS \x7c\0\0\0"s, "DDS"},
        {"P6 1 1 255 abc"s, "PPM"},
        {"SIMPLE  =                    T"s, "FITS"},
        {"#?RADIANCE\n"s, "Radiance HDR"},
        {"\0\0\0\x18"
         "ftypisom\0\0\2\0"s,
         "MP4 or QuickTime video"},
        {"\x1a\x45\xdf\xa3"s, "Matroska or WebM video"},
        {"RIFF\1\0\0\0WAVEfmt "s, "WAV"},
        {std::string(18, '\2') + "TRUEVISION-XFILE.\0"s, "TGA"},
        {"II*\0\x10\0\0\0CR\2\0"s, "Canon RAW"}}) {
    const auto signature = RecogniseFile(bytes);

    ASSERT_TRUE(signature.has_value()) << name;
    EXPECT_EQ(signature->name, name);
    EXPECT_FALSE(signature->readable) << name;
  }
}

TEST(FileSignatureTest, SaysNothingOfOtherBytes) {
  for (const std::string& bytes :
       {""s, "\0"s, "hello"s, "BM"s, "Put it down"s, "<html><body/></html>"s, "RIFF\1\0\0\0"s}) {
    EXPECT_FALSE(RecogniseFile(bytes).has_value()) << bytes;
  }
}

TEST(FileSignatureTest, ListsMediaTypes) {
  EXPECT_THAT(ReadableMediaTypes(), Contains("image/png"));
  EXPECT_THAT(ReadableMediaTypes(), Contains("image/avif"));
}

}  // namespace
}  // namespace upscaler
