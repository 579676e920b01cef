// What the gateway offers at which path, and what every answer carries.

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "gateway/api_description.h"
#include "gateway/cors.h"
#include "gateway/http_message.h"
#include "gateway/http_server.h"
#include "gateway/route_table.h"
#include "gateway/upscale_handler.h"
#include "gateway/web_page.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// How the service is. Must not block.
struct Probes {
  // Null means always.
  std::function<bool()> ready;  // It takes work.
  std::function<bool()> live;   // It does, or will without being started anew.
  // What it is and allows; nothing while that is not known, nor where this is null. Not
  // used where it is the service that knows who may ask.
  std::function<std::optional<v1::GetServerInfoResponse>()> info;
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

  // Refuses a request, whatever it is about, without reading its body.
  HttpServer::Decision Refuse(const HttpRequest& request, const absl::Status& why) const;

  const RouteTable& routes() const { return routes_; }

 private:
  using Outcome = RouteTable::Outcome;

  void AddRoutes();
  // What every answer carries.
  HttpHeaders HeadersFor(const HttpRequest& request, const std::string& request_id) const;
  Outcome Route(RoutedRequest request) const;
  Outcome Upscale(const RoutedRequest& request) const;
  // Answers what `describe` says of the service, to who may ask.
  using Describe = std::function<HttpResponse(const v1::GetServerInfoResponse& info)>;
  Outcome Info(const RoutedRequest& request, const Describe& describe) const;
  // The same with what the service says to the client's own key, where it is the service
  // that knows who may ask.
  Outcome AskInfo(const RoutedRequest& request, const Describe& describe) const;
  HttpResponse Liveness() const;
  HttpResponse Readiness() const;
  HttpResponse PagePart(const RoutedRequest& request) const;

  const UpscaleBackend& backend_;
  const Probes probes_;
  const Cors cors_;
  const WebPage web_page_;
  const ApiDescription description_;
  RouteTable routes_;
};

}  // namespace upscaler
