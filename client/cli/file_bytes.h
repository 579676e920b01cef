// Numbers in the bytes of a file that somebody else wrote.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace upscaler {

// What lies beyond the file's end reads as 0. Does not own the bytes. Immutable.
class FileBytes {
 public:
  FileBytes(std::string_view file, bool big_endian) : file_(file), big_endian_(big_endian) {}

  // `count` is 1 to 4.
  std::uint32_t At(std::size_t at, std::size_t count) const {
    if (at >= file_.size() || count > file_.size() - at) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t byte = big_endian_ ? at + i : at + count - 1 - i;
      value = value << 8 | static_cast<unsigned char>(file_[byte]);
    }
    return value;
  }

  std::size_t size() const { return file_.size(); }

 private:
  const std::string_view file_;
  const bool big_endian_;
};

}  // namespace upscaler
