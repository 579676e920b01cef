#include "gateway/http_message.h"

#include <charconv>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

namespace upscaler {

std::string_view FindHeader(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, {name.data(), name.size()})) return value;
  }
  return "";
}

std::uint64_t AnnouncedBytes(const HttpRequest& request) {
  const std::string_view text = FindHeader(request.headers, "content-length");
  std::uint64_t bytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

std::string MediaType(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  absl::StripAsciiWhitespace(&type);
  absl::AsciiStrToLower(&type);
  return type;
}

}  // namespace upscaler
