#include "gateway/multipart_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "gateway/header_parameters.h"

namespace upscaler {
namespace {

// As RFC 2046 has it.
constexpr std::size_t kMaxBoundaryBytes = 70;

// Of one part. Clients send some 200 bytes, most of which are the file's name.
constexpr std::size_t kMaxHeaderBytes = std::size_t{8} << 10;

// Far more than there are fields.
constexpr std::size_t kMaxParts = 10'000;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeaderEnd = "\r\n\r\n";

absl::Status Malformed() {
  return absl::InvalidArgumentError(
      "the body is not multipart/form-data as its Content-Type announces, or ends early");
}

absl::Status NoBoundary() {
  return absl::InvalidArgumentError("the Content-Type names no usable boundary");
}

bool IsBoundaryCharacter(char c) {
  constexpr std::string_view kOthers = "'()+_,-./:=? ";
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         kOthers.find(c) != std::string_view::npos;
}

bool IsBoundary(const std::string& text) {
  return !text.empty() && text.size() <= kMaxBoundaryBytes && text.back() != ' ' &&
         std::ranges::all_of(text, &IsBoundaryCharacter);
}

// What comes between two values, as far as it is always the same. Empty where the
// Content-Type names no usable boundary.
std::string DelimiterOf(std::string_view content_type) {
  const auto boundary = HeaderParameter(content_type, "boundary");
  return boundary.has_value() && IsBoundary(*boundary) ? fmt::format("\r\n--{}", *boundary) : "";
}

// How many bytes at the end of `text` may be the beginning of a delimiter.
std::size_t DelimiterBegun(std::string_view text, std::string_view delimiter) {
  std::string_view tail = text.substr(text.size() - std::min(text.size(), delimiter.size() - 1));
  tail.remove_prefix(std::min(tail.rfind('\r'), tail.size()));
  return delimiter.starts_with(tail) ? tail.size() : 0;
}

// The value of the Content-Disposition, or "".
std::string DispositionIn(const std::string& header) {
  // Long lines may be folded.
  const std::string unfolded = absl::StrReplaceAll(header, {{"\r\n ", " "}, {"\r\n\t", " "}});
  for (const absl::string_view line : absl::StrSplit(unfolded, "\r\n")) {
    const std::pair<std::string, std::string> named = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::EqualsIgnoreCase(named.first, "content-disposition")) return named.second;
  }
  return "";
}

// Whose part it is, or "": nobody's.
std::string FieldNameIn(const std::string& header) {
  const std::string disposition = DispositionIn(header);
  if (MediaType(disposition) != "form-data") return "";
  return HeaderParameter(disposition, "name").value_or("");
}

}  // namespace

MultipartReader::MultipartReader(std::string_view content_type)
    : delimiter_(DelimiterOf(content_type)),
      unread_(kLineEnd) {}  // The body may begin with a boundary.

absl::Status MultipartReader::Read(std::string_view part) {
  if (delimiter_.empty()) return NoBoundary();
  unread_.append(part);
  std::string_view unread = unread_;
  while (true) {
    UPSCALER_ASSIGN_OR_RETURN(const bool go_on, Step(unread));
    if (!go_on) break;
  }
  unread_.erase(0, unread_.size() - unread.size());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FormField>> MultipartReader::Finish() {
  if (delimiter_.empty()) return NoBoundary();
  if (state_ != State::kEpilogue) return Malformed();
  return std::move(fields_);
}

absl::StatusOr<bool> MultipartReader::Step(std::string_view& unread) {
  switch (state_) {
    case State::kValue:
      return ReadValue(unread);
    case State::kDelimiter:
      return ReadDelimiter(unread);
    case State::kPadding:
      return ReadPadding(unread);
    case State::kHeader:
      return ReadHeader(unread);
    default:
      unread = {};
      return false;
  }
}

// The only '\r' of the delimiter is its first character. So no two places where it seems to
// begin share a byte, and find() takes time in proportion to the text, whatever it is.
bool MultipartReader::ReadValue(std::string_view& unread) {
  const std::size_t found = unread.find(delimiter_);
  const bool ends = found != std::string_view::npos;
  const std::size_t size = ends ? found : unread.size() - DelimiterBegun(unread, delimiter_);
  if (keeps_value_) fields_.back().value.append(unread.substr(0, size));
  unread.remove_prefix(size);
  if (!ends) return false;
  unread.remove_prefix(delimiter_.size());
  state_ = State::kDelimiter;
  return true;
}

bool MultipartReader::ReadDelimiter(std::string_view& unread) {
  constexpr std::string_view kLast = "--";
  if (unread.size() < kLast.size()) return false;
  state_ = unread.starts_with(kLast) ? State::kEpilogue : State::kPadding;
  return true;
}

// A line that only begins as a boundary does is one all the same, says RFC 2046, and an
// ill-formed one: it is not taken for a piece of the value.
absl::StatusOr<bool> MultipartReader::ReadPadding(std::string_view& unread) {
  unread.remove_prefix(std::min(unread.find_first_not_of(" \t"), unread.size()));
  if (unread.size() < kLineEnd.size()) return false;
  if (!unread.starts_with(kLineEnd)) return Malformed();
  unread.remove_prefix(kLineEnd.size());
  if (++part_count_ > kMaxParts) {
    return absl::InvalidArgumentError(
        fmt::format("the form has too many fields; at most {} are allowed", kMaxParts));
  }
  header_ = kLineEnd;  // An empty header ends at once.
  state_ = State::kHeader;
  return true;
}

absl::StatusOr<bool> MultipartReader::ReadHeader(std::string_view& unread) {
  const std::size_t before = header_.size();
  header_.append(unread.substr(0, kMaxHeaderBytes + kHeaderEnd.size() - before));
  // What came earlier holds no end, but perhaps the beginning of it.
  const std::size_t end =
      header_.find(kHeaderEnd, before - std::min(before, kHeaderEnd.size() - 1));
  if (end == std::string::npos) {
    if (header_.size() < kMaxHeaderBytes + kHeaderEnd.size()) {
      unread = {};
      return false;
    }
    return absl::InvalidArgumentError(
        fmt::format("the header of a field of the form is too long; at most {} bytes are allowed",
                    kMaxHeaderBytes));
  }
  unread.remove_prefix(end + kHeaderEnd.size() - before);
  header_.resize(end);
  std::string name = FieldNameIn(header_);
  keeps_value_ = IsFormField(name);
  if (keeps_value_) fields_.push_back({.name = std::move(name), .value = {}});
  state_ = State::kValue;
  return true;
}

}  // namespace upscaler
