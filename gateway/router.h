// What the gateway offers at which path, and what every answer carries.

#pragma once

#include <functional>
#include <string>

#include "gateway/cors.h"
#include "gateway/http_message.h"
#include "gateway/http_server.h"
#include "gateway/route_table.h"
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
  // `backend` must outlive the router.
  Router(const UpscaleBackend& backend, Probes probes, Cors cors);

  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Decides on a request by its head. The answer's headers name the request.
  HttpServer::Decision Dispatch(const HttpRequest& request) const;

  const RouteTable& routes() const { return routes_; }

 private:
  using Outcome = RouteTable::Outcome;

  void AddRoutes();
  Outcome Route(RoutedRequest request) const;
  Outcome Upscale(const RoutedRequest& request) const;
  HttpResponse Liveness() const;
  HttpResponse Readiness() const;
  HttpResponse PagePart(const RoutedRequest& request) const;

  const UpscaleBackend& backend_;
  const Probes probes_;
  const Cors cors_;
  const WebPage web_page_;
  RouteTable routes_;
};

}  // namespace upscaler
