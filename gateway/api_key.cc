#include "gateway/api_key.h"

#include <algorithm>
#include <string_view>

#include <absl/strings/ascii.h>

namespace upscaler {
namespace {

constexpr std::string_view kScheme = "bearer ";
constexpr const char* kNobodysKey = "?";

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string_view KeyIn(const HttpHeaders& headers) {
  const std::string_view authorization = FindHeader(headers, "authorization");
  if (absl::AsciiStrToLower(std::string(authorization.substr(0, kScheme.size()))) == kScheme) {
    return Trim(authorization.substr(kScheme.size()));
  }
  return Trim(FindHeader(headers, "x-api-key"));
}

}  // namespace

std::string ApiKeyOf(const HttpHeaders& headers) {
  const std::string_view key = KeyIn(headers);
  const bool visible = std::ranges::all_of(
      key, [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
  return visible ? std::string(key) : kNobodysKey;
}

}  // namespace upscaler
