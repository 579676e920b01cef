#include "gateway/api_description.h"

#include <nlohmann/json.hpp>

#include "common/version.h"
#include "gateway/embedded_files.h"
#include "gateway/entity_tag.h"

namespace upscaler {
namespace {

std::string WithVersion() {
  auto description = nlohmann::ordered_json::parse(ApiFiles().front().content);
  description["info"]["version"] = kVersion;
  return description.dump();
}

}  // namespace

ApiDescription::ApiDescription() : text_(WithVersion()), etag_(TagOfContent(text_)) {}

HttpResponse ApiDescription::Answer(const HttpHeaders& headers) const {
  // Browsers ask anew each time, and get 304 where nothing has changed.
  HttpResponse response{.headers = {{"ETag", etag_}, {"Cache-Control", "no-cache"}}};
  if (HasAlready(headers, etag_)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = text_;
  return response;
}

}  // namespace upscaler
