#include "gateway/job_wish.h"

#include <algorithm>
#include <cstddef>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

constexpr const char* kKeyHeader = "Idempotency-Key";
constexpr std::size_t kMaxKeyBytes = 128;

// One of the preferences, without what may be said of it: "respond-async; wait=5".
bool PrefersAsync(const std::string& preferences) {
  for (const absl::string_view preference : absl::StrSplit(preferences, ',')) {
    const absl::string_view token = preference.substr(0, preference.find(';'));
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(token), "respond-async")) return true;
  }
  return false;
}

absl::Status CheckKey(const std::string& key) {
  const bool visible = std::ranges::all_of(
      key, [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
  if (visible && !key.empty() && key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return InvalidField(kKeyHeader,
                      fmt::format("{} bytes given; 1 to {} of ASCII that can be seen are allowed",
                                  key.size(), kMaxKeyBytes));
}

}  // namespace

absl::StatusOr<JobWish> ReadJobWish(const HttpHeaders& headers) {
  JobWish wish;
  bool has_key = false;
  for (const auto& [name, value] : headers) {
    if (absl::EqualsIgnoreCase(name, "Prefer")) wish.respond_async |= PrefersAsync(value);
    if (!absl::EqualsIgnoreCase(name, kKeyHeader)) continue;
    UPSCALER_RETURN_IF_ERROR(CheckKey(value));
    if (has_key) return InvalidField(kKeyHeader, "given twice; once is allowed");
    has_key = true;
    wish.key = value;
  }
  return wish;
}

}  // namespace upscaler
