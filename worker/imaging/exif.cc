#include "worker/imaging/exif.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "worker/imaging/byte_order.h"

namespace upscaler {
namespace {

using namespace std::string_view_literals;  // For names that hold zeros.

constexpr std::string_view kPrefix = "Exif\0\0"sv;
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kEntryBytes = 12;
constexpr std::size_t kInlineBytes = 4;  // A value as small stands in its entry.

// Tags of TIFF and EXIF.
constexpr std::uint16_t kImageWidth = 0x100;
constexpr std::uint16_t kImageLength = 0x101;
constexpr std::uint16_t kOrientation = 0x112;
constexpr std::uint16_t kHorizontalResolution = 0x11a;
constexpr std::uint16_t kVerticalResolution = 0x11b;
constexpr std::uint16_t kResolutionUnit = 0x128;
constexpr std::uint16_t kStripOffsets = 0x111;
constexpr std::uint16_t kStripByteCounts = 0x117;
constexpr std::uint16_t kThumbnailOffset = 0x201;
constexpr std::uint16_t kThumbnailBytes = 0x202;
constexpr std::uint16_t kPhoto = 0x8769;
constexpr std::uint16_t kLocation = 0x8825;
constexpr std::uint16_t kUserComment = 0x9286;
constexpr std::uint16_t kPixelWidth = 0xa002;
constexpr std::uint16_t kPixelHeight = 0xa003;
constexpr std::uint16_t kInteroperability = 0xa005;

// Types of values.
constexpr std::uint16_t kShort = 3;
constexpr std::uint16_t kLong = 4;
constexpr std::uint16_t kUndefined = 7;

// Bytes of a number, by type.
constexpr std::array<std::size_t, 13> kTypeBytes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};

struct Entry {
  std::uint16_t type = 0;
  std::uint32_t count = 0;
  std::string value{};  // In the block's byte order.
};

using Directory = std::map<std::uint16_t, Entry>;

// Bytes of one order.
class Bytes {
 public:
  Bytes(std::string_view bytes, std::endian order) : bytes_(bytes), order_(order) {}

  // Of at most four bytes, which is as many as EXIF has. Zero beyond the end.
  std::uint32_t Number(std::size_t at, std::size_t size) const {
    return static_cast<std::uint32_t>(NumberAt(bytes_, at, size, order_));
  }

  std::optional<std::string_view> Part(std::size_t at, std::uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    return bytes_.substr(at, size);
  }

 private:
  std::string_view bytes_;
  std::endian order_;
};

class Block {
 public:
  // Of nothing: in the byte order in which programs that make pictures write UserComment.
  Block() = default;

  static std::optional<Block> Parse(std::string_view exif) {
    if (exif.starts_with(kPrefix)) exif.remove_prefix(kPrefix.size());
    const bool big_endian = exif.starts_with("MM\0*"sv);
    if (!big_endian && !exif.starts_with("II*\0"sv)) return std::nullopt;
    if (exif.size() < kHeaderBytes) return std::nullopt;
    Block block;
    block.order_ = big_endian ? std::endian::big : std::endian::little;
    const Bytes bytes(exif, block.order_);
    // Values may share bytes; more of them than there are bytes is an attack.
    std::size_t room = exif.size();
    block.main_ = ReadDirectory(bytes, bytes.Number(4, 4), room);
    block.photo_ = ReadDirectory(bytes, block.TakePointer(block.main_, kPhoto), room);
    block.location_ = ReadDirectory(bytes, block.TakePointer(block.main_, kLocation), room);
    block.interoperability_ =
        ReadDirectory(bytes, block.TakePointer(block.photo_, kInteroperability), room);
    return block;
  }

  void Apply(const ExifEdit& edit) {
    // Of the file that it came in, or of its thumbnail. The resolution comes from the answer.
    for (const std::uint16_t tag :
         {kImageWidth, kImageLength, kStripOffsets, kStripByteCounts, kHorizontalResolution,
          kVerticalResolution, kResolutionUnit, kThumbnailOffset, kThumbnailBytes}) {
      main_.erase(tag);
    }
    if (!edit.keep_location) location_.clear();
    main_[kOrientation] = Numbers(kShort, 1);
    photo_[kPixelWidth] = Numbers(kLong, static_cast<std::uint32_t>(edit.width));
    photo_[kPixelHeight] = Numbers(kLong, static_cast<std::uint32_t>(edit.height));
    if (!edit.comment.empty()) photo_[kUserComment] = Comment(edit.comment);
  }

  std::string Write() && {
    const std::size_t main_at = kHeaderBytes;
    // Pointers first, so that sizes are known; where they point to is written over.
    if (!interoperability_.empty()) photo_[kInteroperability] = Numbers(kLong, 0);
    if (!photo_.empty()) main_[kPhoto] = Numbers(kLong, 0);
    if (!location_.empty()) main_[kLocation] = Numbers(kLong, 0);
    const std::size_t photo_at = main_at + SizeOf(main_);
    const std::size_t location_at = photo_at + SizeOf(photo_);
    const std::size_t interoperability_at = location_at + SizeOf(location_);
    PointTo(main_, kPhoto, photo_at);
    PointTo(main_, kLocation, location_at);
    PointTo(photo_, kInteroperability, interoperability_at);

    std::string written(kPrefix);
    written += order_ == std::endian::big ? "MM\0*"sv : "II*\0"sv;
    Append(written, main_at, 4);
    WriteDirectory(written, main_);
    WriteDirectory(written, photo_);
    WriteDirectory(written, location_);
    WriteDirectory(written, interoperability_);
    return written;
  }

 private:
  static Directory ReadDirectory(const Bytes& bytes, std::size_t at, std::size_t& room) {
    Directory directory;
    if (at == 0) return directory;
    const std::uint32_t count = bytes.Number(at, 2);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t entry_at = at + 2 + i * kEntryBytes;
      if (!bytes.Part(entry_at, kEntryBytes).has_value()) break;
      const std::uint32_t type = bytes.Number(entry_at + 2, 2);
      if (type == 0 || type >= kTypeBytes.size()) continue;
      Entry entry{.type = static_cast<std::uint16_t>(type), .count = bytes.Number(entry_at + 4, 4)};
      const std::uint64_t size = std::uint64_t{entry.count} * kTypeBytes.at(type);
      const std::size_t value_at = entry_at + kEntryBytes - kInlineBytes;
      const auto value =
          bytes.Part(size <= kInlineBytes ? value_at : bytes.Number(value_at, 4), size);
      if (!value.has_value() || value->size() > room) continue;
      room -= value->size();
      entry.value = *value;
      directory.emplace(static_cast<std::uint16_t>(bytes.Number(entry_at, 2)), std::move(entry));
    }
    return directory;
  }

  // Where a directory lies that `from` points to: 0 where it does not.
  std::size_t TakePointer(Directory& from, std::uint16_t tag) const {
    const auto pointer = from.find(tag);
    if (pointer == from.end()) return 0;
    const std::size_t at = Bytes(pointer->second.value, order_).Number(0, 4);
    from.erase(pointer);
    return at;
  }

  static std::size_t Padded(std::size_t size) { return size + size % 2; }

  static std::size_t SizeOf(const Directory& directory) {
    if (directory.empty()) return 0;
    std::size_t size = 2 + directory.size() * kEntryBytes + 4;
    for (const auto& [tag, entry] : directory) {
      if (entry.value.size() > kInlineBytes) size += Padded(entry.value.size());
    }
    return size;
  }

  void PointTo(Directory& from, std::uint16_t tag, std::size_t at) const {
    const auto pointer = from.find(tag);
    if (pointer != from.end()) pointer->second = Numbers(kLong, static_cast<std::uint32_t>(at));
  }

  // Begins where `to` ends.
  void WriteDirectory(std::string& to, const Directory& directory) const {
    if (directory.empty()) return;
    std::string values;
    const std::size_t values_at =
        to.size() - kPrefix.size() + 2 + directory.size() * kEntryBytes + 4;
    Append(to, directory.size(), 2);
    for (const auto& [tag, entry] : directory) {
      Append(to, tag, 2);
      Append(to, entry.type, 2);
      Append(to, entry.count, 4);
      if (entry.value.size() <= kInlineBytes) {
        to += entry.value;
        to.append(kInlineBytes - entry.value.size(), '\0');
        continue;
      }
      Append(to, values_at + values.size(), 4);
      values += entry.value;
      values.resize(Padded(values.size()));
    }
    Append(to, 0, 4);  // No thumbnail follows.
    to += values;
  }

  void Append(std::string& to, std::size_t number, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t shift = 8 * (order_ == std::endian::big ? size - 1 - i : i);
      to += static_cast<char>(number >> shift & 0xff);
    }
  }

  Entry Numbers(std::uint16_t type, std::uint32_t number) const {
    Entry entry{.type = type, .count = 1};
    Append(entry.value, number, kTypeBytes.at(type));
    return entry;
  }

  // As UserComment wants it: the name of a character set, and text in it.
  Entry Comment(std::string_view utf8) const {
    std::string value;
    const bool ascii = std::ranges::all_of(
        utf8, [](char letter) { return static_cast<std::uint8_t>(letter) < 0x80; });
    if (ascii) {
      value = "ASCII\0\0\0"sv;
      value += utf8;
    } else {
      value = "UNICODE\0"sv;
      AppendUtf16(value, utf8);
    }
    return {.type = kUndefined,
            .count = static_cast<std::uint32_t>(value.size()),
            .value = std::move(value)};
  }

  // Requires UTF-8. What is none becomes something or other.
  void AppendUtf16(std::string& to, std::string_view utf8) const {
    std::size_t at = 0;
    while (at < utf8.size()) {
      const auto first = static_cast<std::uint8_t>(utf8[at++]);
      int more = 0;
      if (first >= 0xc0) more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
      std::uint32_t letter = more == 0 ? first : first & (0x3fU >> more);
      for (; more > 0 && at < utf8.size(); --more) {
        letter = letter << 6 | (static_cast<std::uint8_t>(utf8[at++]) & 0x3fU);
      }
      if (letter >= 0x10000) {
        Append(to, 0xd800 | ((letter - 0x10000) >> 10 & 0x3ffU), 2);
        letter = 0xdc00 | (letter & 0x3ffU);
      }
      Append(to, letter, 2);
    }
  }

  std::endian order_ = std::endian::big;
  Directory main_;
  Directory photo_;
  Directory location_;
  Directory interoperability_;
};

}  // namespace

std::string EditExif(std::string_view exif, const ExifEdit& edit) {
  std::optional<Block> block = exif.empty() ? Block() : Block::Parse(exif);
  if (!block.has_value()) return "";
  block->Apply(edit);
  return std::move(*block).Write();
}

}  // namespace upscaler
