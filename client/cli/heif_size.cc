#include "client/cli/heif_size.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "client/cli/file_bytes.h"

namespace upscaler {
namespace {

// Of a box that says of itself which version it is.
constexpr std::size_t kVersionBytes = 4;

struct Box {
  std::string_view type;
  std::string_view content;
};

// The boxes that `content` consists of, up to the first one that is not whole.
std::vector<Box> BoxesIn(std::string_view content) {
  const FileBytes bytes(content, /*big_endian=*/true);
  std::vector<Box> boxes;
  std::size_t at = 0;
  while (content.size() - at >= 8) {
    std::size_t size = bytes.At(at, 4);
    std::size_t head = 8;
    if (size == 0) size = content.size() - at;  // To the end.
    if (size == 1) {                            // The size comes later, with 8 bytes.
      if (bytes.At(at + 8, 4) != 0) break;
      size = bytes.At(at + 12, 4);
      head = 16;
    }
    if (size < head || size > content.size() - at) break;
    boxes.push_back({content.substr(at + 4, 4), content.substr(at + head, size - head)});
    at += size;
  }
  return boxes;
}

// Empty where there is none.
std::string_view ContentOf(const std::vector<Box>& boxes, std::string_view type) {
  const auto found = std::ranges::find(boxes, type, &Box::type);
  return found == boxes.end() ? std::string_view() : found->content;
}

// The number of the picture among thumbnails and the like.
std::uint32_t PrimaryItem(const std::vector<Box>& meta) {
  const FileBytes bytes(ContentOf(meta, "pitm"), /*big_endian=*/true);
  return bytes.At(kVersionBytes, bytes.At(0, 1) == 0 ? 2 : 4);
}

// Which properties the item has, by their numbers, from 1.
std::vector<std::size_t> PropertiesOf(std::uint32_t item, std::string_view associations) {
  const FileBytes bytes(associations, /*big_endian=*/true);
  const std::size_t item_bytes = bytes.At(0, 1) == 0 ? 2 : 4;
  const std::size_t number_bytes = (bytes.At(3, 1) & 1) == 0 ? 1 : 2;
  const std::uint32_t number_mask = number_bytes == 1 ? 0x7f : 0x7fff;
  std::vector<std::size_t> numbers;
  std::size_t at = kVersionBytes + 4;  // The count is as good as the end.
  while (at < bytes.size()) {
    const std::uint32_t owner = bytes.At(at, item_bytes);
    const std::uint32_t count = bytes.At(at + item_bytes, 1);
    at += item_bytes + 1;
    for (std::uint32_t i = 0; i < count; ++i, at += number_bytes) {
      if (owner == item) numbers.push_back(bytes.At(at, number_bytes) & number_mask);
    }
  }
  return numbers;
}

}  // namespace

bool IsHeif(std::string_view file) { return file.size() >= 8 && file.substr(4, 4) == "ftyp"; }

std::optional<v1::ImageSize> ReadHeifSize(std::string_view file) {
  const std::string_view content = ContentOf(BoxesIn(file), "meta");
  const std::vector<Box> meta = BoxesIn(content.substr(std::min(kVersionBytes, content.size())));
  const std::vector<Box> properties = BoxesIn(ContentOf(meta, "iprp"));
  const std::vector<Box> values = BoxesIn(ContentOf(properties, "ipco"));
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  bool lies = false;
  for (const std::size_t number : PropertiesOf(PrimaryItem(meta), ContentOf(properties, "ipma"))) {
    if (number == 0 || number > values.size()) continue;
    const Box& value = values[number - 1];
    const FileBytes bytes(value.content, /*big_endian=*/true);
    if (value.type == "ispe") {
      width = bytes.At(kVersionBytes, 4);
      height = bytes.At(kVersionBytes + 4, 4);
    }
    if (value.type == "irot") lies = (bytes.At(0, 1) & 1) != 0;  // In quarters of a turn.
  }
  if (width == 0 || height == 0) return std::nullopt;
  if (lies) std::swap(width, height);
  v1::ImageSize size;
  size.set_width(width);
  size.set_height(height);
  return size;
}

}  // namespace upscaler
