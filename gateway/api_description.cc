#include "gateway/api_description.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/sha256.h"
#include "common/version.h"
#include "gateway/embedded_files.h"

namespace upscaler {
namespace {

// Enough of the digest to tell any two texts apart.
constexpr std::size_t kEtagBytes = 8;

std::string WithVersion() {
  auto description = nlohmann::ordered_json::parse(ApiFiles().front().content);
  description["info"]["version"] = kVersion;
  return description.dump();
}

std::string EtagOf(std::string_view text) {
  Sha256 digest;
  digest.Add(text);
  return fmt::format("\"{}\"", absl::BytesToHexString(digest.Finish().substr(0, kEtagBytes)));
}

}  // namespace

ApiDescription::ApiDescription() : text_(WithVersion()), etag_(EtagOf(text_)) {}

HttpResponse ApiDescription::Answer(std::string_view if_none_match) const {
  // Browsers ask anew each time, and get 304 where nothing has changed.
  HttpResponse response{.headers = {{"ETag", etag_}, {"Cache-Control", "no-cache"}}};
  if (if_none_match == "*" ||
      absl::StrContains({if_none_match.data(), if_none_match.size()}, absl::string_view(etag_))) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = text_;
  return response;
}

}  // namespace upscaler
