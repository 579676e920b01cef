// Whether a client has a body already: RFC 9110, section 13.

#pragma once

#include <string>
#include <string_view>

#include "gateway/http_message.h"

namespace upscaler {

// A strong tag, quotes included, for a body that is all there.
std::string TagOfContent(std::string_view content);

// Whether If-None-Match names the body whose strong tag, quotes included, is `tag`: then
// the client has it.
bool HasAlready(const HttpHeaders& headers, std::string_view tag);

// Whether a range may be given: there is no If-Range, or it names this very body.
bool MayGiveRange(const HttpHeaders& headers, std::string_view tag);

}  // namespace upscaler
