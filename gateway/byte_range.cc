#include "gateway/byte_range.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include <absl/strings/match.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

constexpr std::string_view kUnit = "bytes=";

// What stands for the end of the body: more than any has.
constexpr std::string_view kNoEnd = "18446744073709551615";

// Digits and nothing else; a number that is too large for any body counts as the largest.
std::optional<std::uint64_t> ReadPosition(std::string_view text) {
  std::uint64_t position = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, position);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc()) return position;
  return std::numeric_limits<std::uint64_t>::max();
}

ByteRange NotSatisfiable() { return {.kind = ByteRange::Kind::kNotSatisfiable}; }

ByteRange Part(std::uint64_t offset, std::uint64_t bytes) {
  return {.kind = ByteRange::Kind::kPart, .offset = offset, .bytes = bytes};
}

// The last `count` bytes.
ByteRange Suffix(std::string_view count, std::uint64_t total_bytes) {
  const auto wanted = ReadPosition(count);
  if (!wanted.has_value()) return {};
  const std::uint64_t bytes = std::min(*wanted, total_bytes);
  return bytes == 0 ? NotSatisfiable() : Part(total_bytes - bytes, bytes);
}

}  // namespace

ByteRange ReadRange(std::string_view header, std::uint64_t total_bytes) {
  if (!absl::StartsWithIgnoreCase({header.data(), header.size()}, {kUnit.data(), kUnit.size()})) {
    return {};
  }
  header.remove_prefix(kUnit.size());
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view last_text = header.substr(dash + 1);
  if (dash == 0) return Suffix(last_text, total_bytes);
  const auto first = ReadPosition(header.substr(0, dash));
  const auto last = ReadPosition(last_text.empty() ? kNoEnd : last_text);
  if (!first.has_value() || !last.has_value() || *last < *first) return {};
  if (*first >= total_bytes) return NotSatisfiable();
  return Part(*first, std::min(*last, total_bytes - 1) - *first + 1);
}

std::string ContentRange(const ByteRange& range, std::uint64_t total_bytes) {
  switch (range.kind) {
    case ByteRange::Kind::kPart:
      return fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.bytes - 1,
                         total_bytes);
    case ByteRange::Kind::kNotSatisfiable:
      return fmt::format("bytes */{}", total_bytes);
    default:
      return "";
  }
}

}  // namespace upscaler
