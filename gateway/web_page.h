// GET / and GET /page/{file}: the page in which people upscale pictures with a browser.
//
// The page is an ordinary client of the REST interface, of the same origin. What its answers
// allow a browser is as little as it needs: nothing from elsewhere, nothing inline.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http_message.h"

namespace upscaler {

// Immutable.
class WebPage {
 public:
  WebPage();

  // The answer to a GET or HEAD of a path: 200 with the file, or 304 where the client has it
  // already. Nothing where no part of the page is there.
  std::optional<HttpResponse> Answer(const HttpRequest& request) const;

 private:
  struct File {
    std::string_view content;
    std::string_view type;  // Of its content.
    std::string tag;        // A strong ETag.
  };

  std::map<std::string, File, std::less<>> files_;  // By their paths.
};

}  // namespace upscaler
