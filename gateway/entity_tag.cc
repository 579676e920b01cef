#include "gateway/entity_tag.h"

#include <cstddef>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <fmt/format.h>

#include "common/sha256.h"

namespace upscaler {

std::string TagOfContent(std::string_view content) {
  constexpr std::size_t kBytes = 16;  // Of the digest: more than enough to tell versions apart.
  Sha256 digest;
  digest.Add(content);
  return fmt::format("\"{}\"", absl::BytesToHexString(digest.Finish().substr(0, kBytes)));
}

bool HasAlready(const HttpHeaders& headers, std::string_view tag) {
  const std::string_view known = FindHeader(headers, "if-none-match");
  for (absl::string_view part :
       absl::StrSplit(absl::string_view(known.data(), known.size()), ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part == "*") return true;
    absl::ConsumePrefix(&part, "W/");
    if (std::string_view(part.data(), part.size()) == tag) return true;
  }
  return false;
}

bool MayGiveRange(const HttpHeaders& headers, std::string_view tag) {
  const std::string_view condition = FindHeader(headers, "if-range");
  return condition.empty() || condition == tag;
}

}  // namespace upscaler
