// Which path leads where, and what every answer carries.

#pragma once

#include <functional>
#include <string>

#include "gateway/http_message.h"
#include "gateway/http_server.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// Not thread-safe: the server's thread uses it.
class Router {
 public:
  // `backend` must outlive the router. `ready` says whether the service takes
  // work; it must not block, and null means always. `cors_origin` is the web
  // origin whose pages may call, or "*".
  Router(const UpscaleBackend& backend, std::function<bool()> ready, std::string cors_origin);

  // Decides on a request by its head. The answer's headers name the request.
  HttpServer::Decision Dispatch(const HttpRequest& request) const;

 private:
  using Outcome = decltype(HttpServer::Decision::outcome);

  Outcome Route(const HttpRequest& request, const std::string& request_id) const;
  Outcome Upscale(const HttpRequest& request, const std::string& request_id) const;
  HttpResponse Readiness() const;

  const UpscaleBackend& backend_;
  const std::function<bool()> ready_;
  const std::string cors_origin_;
};

}  // namespace upscaler
