// The description of the REST API for programs, in the words of OpenAPI 3.1, from which
// clients, tests and pages of documentation are made.

#pragma once

#include <string>
#include <string_view>

#include "gateway/http_message.h"

namespace upscaler {

// gateway/openapi.json as it is served: with the version of this build. Immutable.
class ApiDescription {
 public:
  ApiDescription();

  const std::string& text() const { return text_; }

  // The answer to GET /openapi.json. 304 where `if_none_match` names this very text.
  HttpResponse Answer(std::string_view if_none_match) const;

 private:
  const std::string text_;
  const std::string etag_;
};

}  // namespace upscaler
