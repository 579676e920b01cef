// The description of the REST API for programs, in the words of OpenAPI 3.1, from which
// clients, tests and pages of documentation are made.

#pragma once

#include <string>

#include "gateway/http_message.h"

namespace upscaler {

// gateway/openapi.json as it is served: with the version of this build. Immutable.
class ApiDescription {
 public:
  ApiDescription();

  const std::string& text() const { return text_; }

  // The answer to GET /openapi.json with these headers; 304 where the client has it already.
  HttpResponse Answer(const HttpHeaders& headers) const;

 private:
  const std::string text_;
  const std::string etag_;
};

}  // namespace upscaler
