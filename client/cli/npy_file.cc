#include "client/cli/npy_file.h"

#include <cstddef>
#include <cstdint>
#include <regex>
#include <vector>

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

// A file begins with the magic, two bytes of version, and the length of the header: two
// bytes of it up to version 1, four after that.
constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kVersionAt = 6;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxHeaderBytes = 10'000;  // NumPy's own limit.
constexpr std::uint64_t kMaxSide = 1 << 20;
// More than any autoencoder's; how many the model has the server knows.
constexpr std::uint64_t kMaxChannels = 64;

absl::Status Refuse(std::string_view what) {
  return absl::InvalidArgumentError(
      fmt::format("{}; a .npy file of float16 or float32, [4, height, width], is allowed", what));
}

struct Header {
  std::string text;  // A dictionary, as Python writes it.
  std::size_t end = 0;
};

absl::StatusOr<Header> FindHeader(std::string_view file) {
  if (!file.starts_with(kMagic) || file.size() < kLengthAt + 4) return Refuse("no .npy file given");
  const auto byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(file[at]));
  };
  const bool is_short = byte(kVersionAt) == 1;
  std::size_t length = byte(kLengthAt) | byte(kLengthAt + 1) << 8;
  if (!is_short) length |= byte(kLengthAt + 2) << 16 | byte(kLengthAt + 3) << 24;
  const std::size_t begin = kLengthAt + (is_short ? 2 : 4);
  if (length > kMaxHeaderBytes || length > file.size() - begin)
    return Refuse("half a header given");
  return Header{.text = std::string(file.substr(begin, length)), .end = begin + length};
}

// The value of `key`, as it stands there; empty where there is none.
std::string ValueOf(const std::string& header, const char* key) {
  std::smatch found;
  const std::regex pattern(fmt::format(R"('{}'\s*:\s*('[^']*'|\([^)]*\)|\w+))", key));
  return std::regex_search(header, found, pattern) ? found[1].str() : "";
}

absl::StatusOr<std::vector<std::uint64_t>> ReadShape(const std::string& header) {
  const std::string tuple = ValueOf(header, "shape");
  if (tuple.size() < 2 || tuple[0] != '(') return Refuse("no shape given");
  std::vector<std::uint64_t> shape;
  const std::string inner = tuple.substr(1, tuple.size() - 2);
  for (const auto& part : absl::StrSplit(inner, ',', absl::SkipWhitespace())) {
    std::uint64_t side = 0;
    if (!absl::SimpleAtoi(part, &side)) return Refuse("no shape given");
    shape.push_back(side);
  }
  if (shape.size() == 4 && shape[0] == 1) shape.erase(shape.begin());
  if (shape.size() != 3 || shape[0] - 1 >= kMaxChannels || shape[1] - 1 >= kMaxSide ||
      shape[2] - 1 >= kMaxSide) {
    return Refuse(fmt::format("the shape {} given", tuple));
  }
  return shape;
}

}  // namespace

absl::StatusOr<NpyTensor> ReadNpy(std::string_view file) {
  UPSCALER_ASSIGN_OR_RETURN(const Header header, FindHeader(file));
  UPSCALER_ASSIGN_OR_RETURN(const std::vector<std::uint64_t> shape, ReadShape(header.text));
  NpyTensor tensor;
  const std::string type = ValueOf(header.text, "descr");
  if (type == "'<f4'") {
    tensor.info.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
  } else if (type == "'<f2'") {
    tensor.info.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT16);
  } else {
    return Refuse(fmt::format("numbers of the type {} given", type));
  }
  if (ValueOf(header.text, "fortran_order") != "False") return Refuse("Fortran's order given");
  const std::uint64_t bytes_each = type == "'<f4'" ? 4 : 2;
  const std::uint64_t bytes = shape[0] * shape[1] * shape[2] * bytes_each;
  if (file.size() - header.end != bytes) {
    return Refuse(fmt::format("{} bytes of numbers given, where the header announces {}",
                              file.size() - header.end, bytes));
  }
  tensor.info.set_height(static_cast<std::uint32_t>(shape[1]));
  tensor.info.set_width(static_cast<std::uint32_t>(shape[2]));
  tensor.numbers = std::string(file.substr(header.end));
  return tensor;
}

absl::StatusOr<std::string> MakeNpy(const v1::LatentsInfo& info, std::string_view numbers) {
  const std::uint64_t channel_bytes = std::uint64_t{4} * info.height() * info.width();
  if (info.data_type() != v1::TENSOR_DATA_TYPE_FLOAT32 || channel_bytes == 0 ||
      numbers.size() % channel_bytes != 0) {
    return absl::InvalidArgumentError(fmt::format(
        "the server sent {} bytes for latents of {}x{}, wanted float32 in whole channels",
        numbers.size(), info.width(), info.height()));
  }
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}, {}), }}",
                  numbers.size() / channel_bytes, info.height(), info.width());
  // The numbers begin at a multiple of the alignment, after a line's end.
  const std::size_t used = kLengthAt + 2 + header.size() + 1;
  header.append((kAlignment - used % kAlignment) % kAlignment, ' ').append("\n");
  std::string file(kMagic);
  file.append({'\x01', '\x00'});
  file.append({static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)});
  return file.append(header).append(numbers);
}

}  // namespace upscaler
