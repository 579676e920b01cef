#include "worker/imaging/tiff_directories.h"

#include <bit>
#include <cstddef>
#include <cstdint>

#include "worker/imaging/byte_order.h"

namespace upscaler {
namespace {

// Sizes in bytes, of the two kinds of TIFF.
struct Layout {
  std::size_t first_at;  // Where it is written where the first directory is.
  std::size_t offset;
  std::size_t count;
  std::size_t entry;
};

constexpr Layout kClassic = {.first_at = 4, .offset = 4, .count = 2, .entry = 12};
constexpr Layout kBig = {.first_at = 8, .offset = 8, .count = 8, .entry = 20};

}  // namespace

int CountTiffDirectories(std::string_view file, int most) {
  constexpr std::uint64_t kBigVersion = 43;
  const std::endian order = file.starts_with("MM") ? std::endian::big : std::endian::little;
  const auto number = [&](std::uint64_t at, std::size_t size) {
    return NumberAt(file, at, size, order);
  };
  const Layout layout = number(2, 2) == kBigVersion ? kBig : kClassic;
  int directories = 0;
  std::uint64_t at = number(layout.first_at, layout.offset);
  while (at != 0 && at < file.size() && directories < most) {
    ++directories;
    const std::uint64_t entries = number(at, layout.count);
    if (entries > file.size()) break;
    at = number(at + layout.count + entries * layout.entry, layout.offset);
  }
  return directories;
}

}  // namespace upscaler
