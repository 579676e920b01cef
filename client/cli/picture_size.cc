#include "client/cli/picture_size.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "client/cli/file_bytes.h"
#include "client/cli/heif_size.h"

namespace upscaler {
namespace {

using namespace std::string_view_literals;

std::optional<v1::ImageSize> Size(std::uint32_t width, std::uint32_t height) {
  if (width == 0 || height == 0) return std::nullopt;
  v1::ImageSize size;
  size.set_width(width);
  size.set_height(height);
  return size;
}

// What the first page of a TIFF says of itself; 0 where it does not.
struct TiffPage {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t orientation = 0;
};

bool IsTiff(std::string_view file) {
  return file.starts_with("II*\0"sv) || file.starts_with("MM\0*"sv);
}

// The page's entries: tag, type, count, value. The value is 2 or 4 bytes.
TiffPage ReadTiffPage(std::string_view file) {
  constexpr std::size_t kEntryBytes = 12;
  constexpr std::uint32_t kShort = 3;
  constexpr std::uint32_t kWidthTag = 256;
  constexpr std::uint32_t kHeightTag = 257;
  constexpr std::uint32_t kOrientationTag = 274;
  const FileBytes bytes(file, /*big_endian=*/file.starts_with('M'));
  const std::size_t start = bytes.At(4, 4);
  const std::size_t entries = bytes.At(start, 2);
  TiffPage page;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = start + 2 + i * kEntryBytes;
    const std::uint32_t value = bytes.At(at + 8, bytes.At(at + 2, 2) == kShort ? 2 : 4);
    const std::uint32_t tag = bytes.At(at, 2);
    if (tag == kWidthTag) page.width = value;
    if (tag == kHeightTag) page.height = value;
    if (tag == kOrientationTag) page.orientation = value;
  }
  return page;
}

// Of a picture that is to be turned so.
std::optional<v1::ImageSize> UprightSize(std::uint32_t width, std::uint32_t height,
                                         std::uint32_t orientation) {
  const bool lies = orientation >= 5 && orientation <= 8;
  return lies ? Size(height, width) : Size(width, height);
}

// The frame's header is one segment among others: marker, length, content. That of EXIF,
// which is a TIFF without a picture, comes before it.
std::optional<v1::ImageSize> JpegSize(std::string_view file) {
  constexpr std::uint32_t kExifMarker = 0xe1;
  constexpr std::string_view kExifStart = "Exif\0\0"sv;
  const FileBytes bytes(file, /*big_endian=*/true);
  std::uint32_t orientation = 0;
  std::size_t at = 2;
  while (at + 4 <= bytes.size()) {
    if (bytes.At(at, 1) != 0xff) return std::nullopt;
    const std::uint32_t marker = bytes.At(at + 1, 1);
    if (marker == 0xff) {  // Padding.
      ++at;
      continue;
    }
    // C4, C8 and CC are no frames.
    if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
      return UprightSize(bytes.At(at + 7, 2), bytes.At(at + 5, 2), orientation);
    }
    const std::size_t length = bytes.At(at + 2, 2);  // Its own 2 bytes included.
    std::string_view content = file.substr(at + 4, std::max<std::size_t>(length, 2) - 2);
    at += 2 + length;
    if (marker != kExifMarker || !content.starts_with(kExifStart)) continue;
    content.remove_prefix(kExifStart.size());
    if (IsTiff(content)) orientation = ReadTiffPage(content).orientation;
  }
  return std::nullopt;
}

std::optional<v1::ImageSize> WebpSize(std::string_view file) {
  const FileBytes bytes(file, /*big_endian=*/false);
  const std::string_view kind = file.substr(12, 4);
  if (kind == "VP8X") return Size(bytes.At(24, 3) + 1, bytes.At(27, 3) + 1);
  if (kind == "VP8 ") return Size(bytes.At(26, 2) & 0x3fff, bytes.At(28, 2) & 0x3fff);
  if (kind == "VP8L" && bytes.At(20, 1) == 0x2f) {  // Two numbers of 14 bits.
    const std::uint32_t both = bytes.At(21, 4);
    return Size((both & 0x3fff) + 1, (both >> 14 & 0x3fff) + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<v1::ImageSize> ReadPictureSize(std::string_view file) {
  if (file.starts_with("\x89PNG\r\n\x1a\n"sv)) {
    const FileBytes bytes(file, /*big_endian=*/true);
    return Size(bytes.At(16, 4), bytes.At(20, 4));
  }
  if (file.starts_with("\xff\xd8"sv)) return JpegSize(file);
  if (file.starts_with("GIF8"sv)) {
    const FileBytes bytes(file, /*big_endian=*/false);
    return Size(bytes.At(6, 2), bytes.At(8, 2));
  }
  if (file.starts_with("RIFF"sv) && file.size() >= 30 && file.substr(8, 4) == "WEBP"sv) {
    return WebpSize(file);
  }
  if (IsHeif(file)) return ReadHeifSize(file);
  if (!IsTiff(file)) return std::nullopt;
  const TiffPage page = ReadTiffPage(file);
  return UprightSize(page.width, page.height, page.orientation);
}

}  // namespace upscaler
