#include "worker/imaging/tiff_directories.h"

#include <cstddef>
#include <cstdint>

namespace upscaler {
namespace {

class Numbers {
 public:
  explicit Numbers(std::string_view file) : file_(file), big_endian_(file.starts_with("MM")) {}

  // 0 beyond the end.
  std::uint64_t At(std::uint64_t at, std::size_t size) const {
    if (at > file_.size() || size > file_.size() - at) return 0;
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t place = at + (big_endian_ ? i : size - 1 - i);
      number = number << 8 | static_cast<std::uint8_t>(file_[place]);
    }
    return number;
  }

 private:
  std::string_view file_;
  bool big_endian_;
};

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
  const Numbers numbers(file);
  const Layout layout = numbers.At(2, 2) == kBigVersion ? kBig : kClassic;
  int directories = 0;
  std::uint64_t at = numbers.At(layout.first_at, layout.offset);
  while (at != 0 && at < file.size() && directories < most) {
    ++directories;
    const std::uint64_t entries = numbers.At(at, layout.count);
    if (entries > file.size()) break;
    at = numbers.At(at + layout.count + entries * layout.entry, layout.offset);
  }
  return directories;
}

}  // namespace upscaler
