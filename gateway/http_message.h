// Requests and answers of HTTP, as plain values.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/body_pipe.h"

struct MHD_Connection;

namespace upscaler {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The value of the first header called `name`, in any case, or "". Of the query's names,
// too.
std::string_view FindHeader(const HttpHeaders& headers, std::string_view name);

// A request without its body.
struct HttpRequest {
  std::string method;   // "GET"
  std::string path;     // "/v1/images/upscale", without a query.
  HttpHeaders query{};  // The query's names and values, decoded.
  HttpHeaders headers{};
  // Where it came in: whether TLS admits the client is a matter of the connection.
  // Valid until the request is answered.
  MHD_Connection* connection = nullptr;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers{};
  std::string body{};
  // Where not null, the body instead of `body`; its length, where it is known.
  std::shared_ptr<BodyPipe> pipe{};
  std::optional<std::uint64_t> pipe_bytes{};
};

// The length of the body that the request announces; 0 when it says none, as a
// chunked one does.
std::uint64_t AnnouncedBytes(const HttpRequest& request);

// Whether a body follows the head.
bool HasBody(const HttpRequest& request);

// Whether the head says in one way alone how long the body is. Where it says two things, a
// proxy and this server may take different bytes for the next request (RFC 9112, section 6).
bool HasClearLength(const HttpRequest& request);

// The type that a Content-Type names, in lower case and without parameters:
// "multipart/form-data".
std::string MediaType(std::string_view content_type);

}  // namespace upscaler
