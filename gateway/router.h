// Which path leads where, and what every answer carries.

#pragma once

#include <functional>
#include <string>

#include "gateway/http_message.h"
#include "gateway/http_server.h"
#include "gateway/upscale_handler.h"
#include "gateway/web_page.h"

namespace upscaler {

// How the service is. Must not block; null means always.
struct Probes {
  std::function<bool()> ready;  // It takes work.
  std::function<bool()> live;   // It does, or will without being started anew.
};

// Not thread-safe: the server's thread uses it.
class Router {
 public:
  // `backend` must outlive the router. `cors_origin` is the web origin whose pages may
  // call, or "*".
  Router(const UpscaleBackend& backend, Probes probes, std::string cors_origin);

  // Decides on a request by its head. The answer's headers name the request.
  HttpServer::Decision Dispatch(const HttpRequest& request) const;

 private:
  using Outcome = decltype(HttpServer::Decision::outcome);

  Outcome Route(const HttpRequest& request, const std::string& request_id) const;
  Outcome Upscale(const HttpRequest& request, const std::string& request_id) const;
  HttpResponse Liveness() const;
  HttpResponse Readiness() const;

  const UpscaleBackend& backend_;
  const Probes probes_;
  const std::string cors_origin_;
  const WebPage web_page_;
};

}  // namespace upscaler
