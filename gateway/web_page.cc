#include "gateway/web_page.h"

#include <cstddef>
#include <utility>

#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include "common/sha256.h"
#include "gateway/embedded_files.h"

namespace upscaler {
namespace {

constexpr std::string_view kFirstFile = "index.html";

// What the page may do in the browser: its own files, this service, and the pictures that it
// shows before they are sent and after they have come. No page of others may frame it.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

// What the page consists of.
std::string_view ContentType(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "image/svg+xml";
}

std::string StrongTag(std::string_view content) {
  constexpr std::size_t kBytes = 16;  // Of the digest: more than enough to tell versions apart.
  Sha256 digest;
  digest.Add(content);
  return fmt::format("\"{}\"", absl::BytesToHexString(digest.Finish().substr(0, kBytes)));
}

// Whether an If-None-Match, a list or a star, names `tag`. A weak tag counts, as the
// comparison for GET has it.
bool Names(std::string_view if_none_match, std::string_view tag) {
  return if_none_match == "*" || if_none_match.find(tag) != std::string_view::npos;
}

}  // namespace

WebPage::WebPage() {
  for (const auto& [name, content] : PageFiles()) {
    File file{.content = content, .type = ContentType(name), .tag = StrongTag(content)};
    if (name == kFirstFile) {
      files_.emplace("/", std::move(file));
    } else {
      files_.emplace(fmt::format("/page/{}", name), std::move(file));
    }
  }
}

std::optional<HttpResponse> WebPage::Answer(const HttpRequest& request) const {
  const auto found = files_.find(request.path);
  if (found == files_.end()) return std::nullopt;
  const File& file = found->second;
  // Asked for again each time, so that a page never runs with modules of an older server.
  HttpResponse response{.status = 200,
                        .headers = {{"ETag", file.tag},
                                    {"Cache-Control", "no-cache"},
                                    {"Content-Security-Policy", kContentSecurityPolicy},
                                    {"X-Content-Type-Options", "nosniff"},
                                    {"Referrer-Policy", "no-referrer"}}};
  if (Names(FindHeader(request.headers, "if-none-match"), file.tag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", std::string(file.type));
  response.body = std::string(file.content);
  return response;
}

}  // namespace upscaler
