#include "server/access/api_keys.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kDigestMark = "sha256:";
constexpr std::string_view kRate = "requests_per_minute=";
constexpr std::string_view kConcurrent = "concurrent=";

// The words of a line up to its comment.
std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t start = line.find_first_not_of(kBlanks);
  while (start != std::string_view::npos && line[start] != '#') {
    const std::size_t end = std::min(line.find_first_of(kBlanks, start), line.size());
    words.push_back(line.substr(start, end - start));
    start = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

bool IsName(std::string_view word) {
  return word.size() <= ApiKeys::kMaxNameLength &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                  c == '.';
         });
}

bool IsKey(std::string_view word) {
  return word.size() >= ApiKeys::kMinKeyLength && word.size() <= ApiKeys::kMaxKeyLength &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

absl::StatusOr<KeyDigest> ReadKey(std::string_view word) {
  if (word.starts_with(kDigestMark)) {
    const auto digest = ParseDigest(word.substr(kDigestMark.size()));
    if (digest.has_value()) return *digest;
    return absl::FailedPreconditionError("wanted 64 hexadecimal digits after sha256:");
  }
  if (!IsKey(word)) {
    return absl::FailedPreconditionError(
        fmt::format("a key is {} to {} visible characters of ASCII, or sha256: and its digest",
                    ApiKeys::kMinKeyLength, ApiKeys::kMaxKeyLength));
  }
  const auto digest = DigestOf(word);
  if (digest.has_value()) return *digest;
  return absl::FailedPreconditionError("this installation's OpenSSL has no SHA-256");
}

std::optional<int> ReadBound(std::string_view text) {
  int value = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  if (!whole || value < 0 || value > ApiKeys::kMaxBound) return std::nullopt;
  return value;
}

absl::StatusOr<ApiKey> ReadEntry(const std::vector<std::string_view>& words) {
  if (words.size() < 2) return absl::FailedPreconditionError("wanted a name and a key");
  if (!IsName(words[0])) {
    return absl::FailedPreconditionError(fmt::format(
        "a name is at most {} letters, digits and -_. of ASCII", ApiKeys::kMaxNameLength));
  }
  ApiKey entry{.name = std::string(words[0])};
  UPSCALER_ASSIGN_OR_RETURN(entry.digest, ReadKey(words[1]));
  for (std::size_t i = 2; i < words.size(); ++i) {
    const bool is_rate = words[i].starts_with(kRate);
    if (!is_rate && !words[i].starts_with(kConcurrent)) {
      return absl::FailedPreconditionError(
          "after the key may stand requests_per_minute=N and concurrent=N");
    }
    std::optional<int>& bound = is_rate ? entry.requests_per_minute : entry.concurrent_calls;
    if (bound.has_value()) return absl::FailedPreconditionError("a bound is given twice");
    bound = ReadBound(words[i].substr(is_rate ? kRate.size() : kConcurrent.size()));
    if (!bound.has_value()) {
      return absl::FailedPreconditionError(fmt::format(
          "a bound is a whole number from 0, which means none, to {}", ApiKeys::kMaxBound));
    }
  }
  return entry;
}

absl::Status CheckNew(const ApiKey& entry, const std::vector<ApiKey>& earlier) {
  for (const ApiKey& other : earlier) {
    if (other.name == entry.name) return absl::FailedPreconditionError("the name appears twice");
    if (SameDigest(other.digest, entry.digest)) {
      return absl::FailedPreconditionError("the key appears twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace

Quota ApiKey::QuotaOr(const Quota& otherwise) const {
  return {.requests_per_minute = requests_per_minute.value_or(otherwise.requests_per_minute),
          .concurrent_calls = concurrent_calls.value_or(otherwise.concurrent_calls)};
}

ApiKeys::ApiKeys(std::vector<ApiKey> keys) : keys_(std::move(keys)) {}

absl::StatusOr<ApiKeys> ApiKeys::Parse(std::string_view text, std::string_view origin) {
  std::vector<ApiKey> keys;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = WordsOf(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (words.empty()) continue;
    absl::StatusOr<ApiKey> entry = ReadEntry(words);
    const absl::Status fine = entry.ok() ? CheckNew(*entry, keys) : entry.status();
    if (!fine.ok()) {
      return absl::FailedPreconditionError(
          fmt::format("{}:{}: {}", origin, number, std::string(fine.message())));
    }
    keys.push_back(*std::move(entry));
  }
  if (keys.empty()) return absl::FailedPreconditionError(fmt::format("{} has no key", origin));
  return ApiKeys(std::move(keys));
}

const ApiKey* ApiKeys::Find(std::string_view key) const {
  const auto digest = DigestOf(key);
  if (!digest.has_value()) return nullptr;
  // To the end in any case: see SameDigest.
  const ApiKey* found = nullptr;
  for (const ApiKey& entry : keys_) {
    if (SameDigest(entry.digest, *digest)) found = &entry;
  }
  return found;
}

}  // namespace upscaler
