// The API key that a request brings, on its way to the service, which knows the keys.

#pragma once

#include <string>

#include "gateway/http_message.h"

namespace upscaler {

// The key of "Authorization: Bearer <key>" or of "X-API-Key: <key>"; empty where there is
// none. A key with other characters than keys have, which could not be passed on, becomes one
// that nobody has.
std::string ApiKeyOf(const HttpHeaders& headers);

}  // namespace upscaler
