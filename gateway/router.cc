#include "gateway/router.h"

#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/job_routes.h"
#include "gateway/rest_error.h"
#include "telemetry/request_id.h"

namespace upscaler {
namespace {

// What a web page's script may see of an answer, beside its body.
constexpr const char* kExposedHeaders =
    "Accept-Ranges, Content-Range, ETag, Location, Preference-Applied, Retry-After, Seed, "
    "X-Request-Id, x-should-retry";

// What the status pages say while all is well.
constexpr const char* kWell = R"({"status": true})";

HttpResponse Json(std::string body) {
  return {
      .status = 200, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

// Tells a browser that another origin's page may make the request it is about to.
HttpResponse Preflight(const HttpRequest& request, const std::string& allowed) {
  const std::string_view asked = FindHeader(request.headers, "access-control-request-headers");
  return {.status = 204,
          .headers = {{"Allow", allowed},
                      {"Access-Control-Allow-Methods", allowed},
                      {"Access-Control-Allow-Headers", std::string(asked.empty() ? "*" : asked)},
                      {"Access-Control-Max-Age", "86400"}}};
}

HttpResponse NotFound(const HttpRequest& request) {
  return ErrorResponse(RestError{.status = 404,
                                 .message = fmt::format("there is nothing at {}", request.path),
                                 .code = "not_found"});
}

HttpResponse MethodNotAllowed(const HttpRequest& request, const std::string& allowed) {
  HttpResponse response = ErrorResponse(
      RestError{.status = 405,
                .message = fmt::format("{} given; {} is allowed", request.method, allowed),
                .code = "method_not_allowed"});
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace

Router::Router(const UpscaleBackend& backend, Probes probes, std::string cors_origin)
    : backend_(backend), probes_(std::move(probes)), cors_origin_(std::move(cors_origin)) {
  AddRoutes();
}

void Router::AddRoutes() {
  const auto upscale = [this](const RoutedRequest& request) { return Upscale(request); };
  const auto status = [](const RoutedRequest& /*request*/) { return Json(kWell); };
  routes_.Add("POST", "/v1/images/upscale", upscale);
  routes_.Add("POST", "/images/upscale", upscale);
  AddJobRoutes(routes_, backend_);
  routes_.Add("GET", "/v1", status);
  routes_.Add("GET", "/v1/", status);
  routes_.Add("GET", "/livez", [this](const RoutedRequest& /*request*/) { return Liveness(); });
  routes_.Add("GET", "/readyz", [this](const RoutedRequest& /*request*/) { return Readiness(); });
}

HttpServer::Decision Router::Dispatch(const HttpRequest& request) const {
  std::string request_id = RequestIdFrom(FindHeader(request.headers, "x-request-id"));
  return {.outcome = Route({.http = request, .id = request_id}),
          .headers = {{"X-Request-Id", request_id},
                      {"Access-Control-Allow-Origin", cors_origin_},
                      {"Access-Control-Expose-Headers", kExposedHeaders}}};
}

Router::Outcome Router::Route(RoutedRequest request) const {
  const std::string allowed = routes_.AllowedMethods(request.http.path);
  if (allowed.empty()) return NotFound(request.http);
  if (request.http.method == "OPTIONS") return Preflight(request.http, allowed);
  const RouteTable::Handle* const handle = routes_.Find(request);
  return handle == nullptr ? MethodNotAllowed(request.http, allowed) : (*handle)(request);
}

Router::Outcome Router::Upscale(const RoutedRequest& request) const {
  if (AnnouncedBytes(request.http) > backend_.max_upload_bytes) {
    return Refuse(backend_, {.request_id = request.id,
                             .status = BodyTooLarge(backend_.max_upload_bytes),
                             .took = TimePoint::duration::zero()});
  }
  return std::make_shared<UpscaleHandler>(backend_, request.http, request.id);
}

HttpResponse Router::Liveness() const {
  if (probes_.live == nullptr || probes_.live()) return Json(kWell);
  return ErrorResponse(absl::UnavailableError("the service hangs or has lost its devices"));
}

HttpResponse Router::Readiness() const {
  if (probes_.ready == nullptr || probes_.ready()) return Json(kWell);
  return ErrorResponse(absl::UnavailableError("the service is starting, draining or held up"));
}

}  // namespace upscaler
