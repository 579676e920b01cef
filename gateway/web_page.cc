#include "gateway/web_page.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/embedded_files.h"
#include "gateway/entity_tag.h"

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

}  // namespace

WebPage::WebPage() {
  for (const auto& [name, content] : PageFiles()) {
    File file{.content = content, .type = ContentType(name), .tag = TagOfContent(content)};
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
  if (HasAlready(request.headers, file.tag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", std::string(file.type));
  response.body = std::string(file.content);
  return response;
}

}  // namespace upscaler
