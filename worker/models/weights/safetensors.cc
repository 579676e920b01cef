#include "worker/models/weights/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <absl/status/status.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/mapped_file.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "the file's numbers are little-endian");

constexpr std::size_t kLengthBytes = 8;
// The bound that the format's own library sets.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

// Where a tensor lies, by its entry in the header.
struct Entry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<std::int64_t> shape;
  // Offsets from the end of the header; the tensor is [begin, end).
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::optional<at::ScalarType> DtypeNamed(std::string_view name) {
  if (name == "F64") return at::kDouble;
  if (name == "F32") return at::kFloat;
  if (name == "F16") return at::kHalf;
  if (name == "BF16") return at::kBFloat16;
  if (name == "I64") return at::kLong;
  if (name == "I32") return at::kInt;
  if (name == "U8") return at::kByte;
  return std::nullopt;
}

absl::Status Damaged(const std::filesystem::path& path, std::string_view problem) {
  return absl::FailedPreconditionError(fmt::format("{}: {}", path.string(), problem));
}

absl::Status DamagedTensor(const std::filesystem::path& path, std::string_view name,
                           std::string_view problem) {
  return Damaged(path, fmt::format("tensor '{}' {}", name, problem));
}

// The bytes of the header.
absl::StatusOr<std::string_view> FindHeader(const std::filesystem::path& path,
                                            std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) {
    return Damaged(path, fmt::format("has {} bytes, wanted at least 8", file.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  const std::uint64_t most = std::min<std::uint64_t>(kMaxHeaderBytes, file.size() - kLengthBytes);
  if (length > most) {
    return Damaged(path,
                   fmt::format("says its header has {} bytes, wanted at most {}", length, most));
  }
  const auto header = file.subspan(kLengthBytes, length);
  // NOLINTNEXTLINE(*-reinterpret-cast): bytes as characters.
  return std::string_view(reinterpret_cast<const char*>(header.data()), header.size());
}

// The header as JSON. A key that stands twice in an object is refused, because
// readers do not agree on which of the two counts.
absl::StatusOr<json> ParseHeader(const std::filesystem::path& path, std::string_view text) {
  std::vector<std::set<std::string>> keys;  // Of each object that is open.
  std::optional<std::string> repeated;
  const auto note_keys = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      auto key = parsed.get<std::string>();
      if (!keys.back().insert(key).second) repeated = std::move(key);
    }
    return true;
  };
  json header = json::parse(text, note_keys, /*allow_exceptions=*/false);
  if (!header.is_object()) return Damaged(path, "the header is not a JSON object");
  if (repeated) return Damaged(path, fmt::format("the header has '{}' twice", *repeated));
  return header;
}

// A list of integers that are not negative.
std::optional<std::vector<std::int64_t>> Integers(const json& object, const char* field) {
  const auto list = object.find(field);
  if (list == object.end() || !list->is_array()) return std::nullopt;
  std::vector<std::int64_t> integers;
  for (const json& element : *list) {
    if (!element.is_number_unsigned() || element.get<std::uint64_t>() > INT64_MAX) {
      return std::nullopt;
    }
    integers.push_back(element.get<std::int64_t>());
  }
  return integers;
}

// How many bytes a tensor takes; nothing if it is more than can be counted. An
// axis of 0 counts as 1 meanwhile, because the strides do not know that the
// tensor is empty.
std::optional<std::uint64_t> BytesOf(const std::vector<std::int64_t>& shape, at::ScalarType dtype) {
  auto bytes = static_cast<std::int64_t>(c10::elementSize(dtype));
  bool empty = false;
  for (const std::int64_t axis : shape) {
    empty = empty || axis == 0;
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(axis, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

absl::StatusOr<Entry> ParseEntry(const std::filesystem::path& path, const std::string& name,
                                 const json& object, std::uint64_t data_bytes) {
  const auto refuse = [&](std::string_view problem) { return DamagedTensor(path, name, problem); };
  if (!object.is_object()) return refuse("is not described by a JSON object");

  const auto dtype_name = object.find("dtype");
  if (dtype_name == object.end() || !dtype_name->is_string()) return refuse("has no dtype");
  const auto dtype = DtypeNamed(dtype_name->get_ref<const std::string&>());
  if (!dtype) {
    return refuse(fmt::format("has the dtype {}, wanted F64, F32, F16, BF16, I64, I32 or U8",
                              dtype_name->get_ref<const std::string&>()));
  }
  auto shape = Integers(object, "shape");
  if (!shape) return refuse("has no valid shape");
  const auto offsets = Integers(object, "data_offsets");
  if (!offsets || offsets->size() != 2) return refuse("has no valid data_offsets");

  const auto begin = static_cast<std::uint64_t>(offsets->front());
  const auto end = static_cast<std::uint64_t>(offsets->back());
  if (begin > end) return refuse(fmt::format("ends at byte {}, before its begin {}", end, begin));
  if (end > data_bytes) {
    return refuse(
        fmt::format("ends at byte {}, but the file has {} bytes of data", end, data_bytes));
  }
  const auto bytes = BytesOf(*shape, *dtype);
  if (bytes != end - begin) {
    return refuse(fmt::format("has {} bytes, wanted those of {} [{}]", end - begin,
                              c10::toString(*dtype), fmt::join(*shape, ", ")));
  }
  return Entry{name, *dtype, *std::move(shape), begin, end};
}

// Holds that the entries, once in order, lie end to end and fill the data.
absl::Status CheckLayout(const std::filesystem::path& path, std::vector<Entry>& entries,
                         std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t filled = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != filled) {
      return DamagedTensor(
          path, entry.name,
          fmt::format("begins at byte {}, but the one before it ends at {}", entry.begin, filled));
    }
    filled = entry.end;
  }
  if (filled == data_bytes) return absl::OkStatus();
  return Damaged(path,
                 fmt::format("has {} bytes of data, but its tensors have {}", data_bytes, filled));
}

at::Tensor MakeTensor(const Entry& entry, std::shared_ptr<const MappedFile> file,
                      std::size_t data_start) {
  const std::byte* bytes = file->bytes().data() + data_start + entry.begin;
  // NOLINTNEXTLINE(*-reinterpret-cast): an address as a number.
  if (reinterpret_cast<std::uintptr_t>(bytes) % c10::elementSize(entry.dtype) != 0) {
    at::Tensor copy = at::empty(entry.shape, entry.dtype);
    std::memcpy(copy.mutable_data_ptr(), bytes, copy.nbytes());
    return copy;
  }
  // NOLINTNEXTLINE(*-const-cast): tensors have no constant storage.
  return at::from_blob(
      const_cast<std::byte*>(bytes), entry.shape, [file = std::move(file)](void*) {}, entry.dtype);
}

absl::Status ReadMetadata(const std::filesystem::path& path, const json& object,
                          SafetensorsFile& result) {
  if (!object.is_object()) return Damaged(path, "'__metadata__' is not a JSON object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      return Damaged(path, fmt::format("'{}' in '__metadata__' is not a string", key));
    }
    result.metadata.emplace(key, value.get<std::string>());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsFile> OpenSafetensors(const std::filesystem::path& path) {
  const auto opened = MappedFile::Open(path);
  if (!opened.ok()) return absl::FailedPreconditionError(opened.status().message());
  const std::shared_ptr<const MappedFile>& file = *opened;

  UPSCALER_ASSIGN_OR_RETURN(const std::string_view text, FindHeader(path, file->bytes()));
  UPSCALER_ASSIGN_OR_RETURN(const json header, ParseHeader(path, text));
  const std::size_t data_start = kLengthBytes + text.size();
  const std::uint64_t data_bytes = file->bytes().size() - data_start;

  SafetensorsFile result;
  std::vector<Entry> entries;
  for (const auto& [name, object] : header.items()) {
    if (name == "__metadata__") {
      UPSCALER_RETURN_IF_ERROR(ReadMetadata(path, object, result));
      continue;
    }
    UPSCALER_ASSIGN_OR_RETURN(Entry entry, ParseEntry(path, name, object, data_bytes));
    entries.push_back(std::move(entry));
  }
  UPSCALER_RETURN_IF_ERROR(CheckLayout(path, entries, data_bytes));

  for (const Entry& entry : entries) {
    result.tensors.emplace(entry.name, MakeTensor(entry, file, data_start));
  }
  return result;
}

}  // namespace upscaler
