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

bool HasBody(const HttpRequest& request) {
  return AnnouncedBytes(request) > 0 || !FindHeader(request.headers, "transfer-encoding").empty();
}

bool HasClearLength(const HttpRequest& request) {
  std::vector<std::string_view> lengths;
  std::vector<std::string_view> encodings;
  for (const auto& [name, value] : request.headers) {
    if (absl::EqualsIgnoreCase(name, "content-length")) lengths.push_back(value);
    if (absl::EqualsIgnoreCase(name, "transfer-encoding")) encodings.push_back(value);
  }
  if (encodings.empty()) return lengths.size() <= 1;
  return lengths.empty() && encodings.size() == 1 &&
         absl::EqualsIgnoreCase({encodings[0].data(), encodings[0].size()}, "chunked");
}

std::string MediaType(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  absl::StripAsciiWhitespace(&type);
  absl::AsciiStrToLower(&type);
  return type;
}

}  // namespace upscaler
