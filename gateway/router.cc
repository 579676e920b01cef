#include "gateway/router.h"

#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/rest_error.h"
#include "gateway/trace_headers.h"
#include "telemetry/request_id.h"

namespace upscaler {
namespace {

// What the status pages say while all is well.
constexpr const char* kWell = R"({"status": true})";

enum class Page { kUpscale, kStatus, kLiveness, kReadiness, kNone };

Page PageAt(std::string_view path) {
  if (path == "/v1/images/upscale" || path == "/images/upscale") return Page::kUpscale;
  if (path == "/v1" || path == "/v1/") return Page::kStatus;
  if (path == "/livez") return Page::kLiveness;
  if (path == "/readyz") return Page::kReadiness;
  return Page::kNone;
}

std::string AllowedMethods(Page page) {
  return page == Page::kUpscale ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
}

bool IsAllowed(Page page, std::string_view method) {
  if (page == Page::kUpscale) return method == "POST";
  return method == "GET" || method == "HEAD";
}

HttpResponse Json(std::string body) {
  return {
      .status = 200, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

// Tells a browser whether another origin's page may make the request it is about to.
HttpResponse Preflight(const HttpRequest& request, Page page, const Cors& cors) {
  HttpResponse response{.status = 204,
                        .headers = cors.ForPreflight(request.headers, AllowedMethods(page))};
  response.headers.emplace_back("Allow", AllowedMethods(page));
  return response;
}

HttpResponse MethodNotAllowed(const HttpRequest& request, Page page) {
  HttpResponse response = ErrorResponse(RestError{
      .status = 405,
      .message = fmt::format("{} given; {} is allowed", request.method, AllowedMethods(page)),
      .code = "method_not_allowed"});
  response.headers.emplace_back("Allow", AllowedMethods(page));
  return response;
}

}  // namespace

Router::Router(const UpscaleBackend& backend, Probes probes, Cors cors)
    : backend_(backend), probes_(std::move(probes)), cors_(std::move(cors)) {}

HttpServer::Decision Router::Dispatch(const HttpRequest& request) const {
  const std::string request_id = RequestIdFrom(FindHeader(request.headers, "x-request-id"));
  HttpHeaders headers = cors_.ForAnswer(request.headers);
  headers.emplace_back("X-Request-Id", request_id);
  return {.outcome = Route(request, request_id), .headers = std::move(headers)};
}

Router::Outcome Router::Route(const HttpRequest& request, const std::string& request_id) const {
  const Page page = PageAt(request.path);
  if (page == Page::kNone) {
    return ErrorResponse(RestError{.status = 404,
                                   .message = fmt::format("there is nothing at {}", request.path),
                                   .code = "not_found"});
  }
  if (request.method == "OPTIONS") return Preflight(request, page, cors_);
  if (!IsAllowed(page, request.method)) return MethodNotAllowed(request, page);
  switch (page) {
    case Page::kUpscale:
      return Upscale(request, request_id);
    case Page::kLiveness:
      return Liveness();
    case Page::kReadiness:
      return Readiness();
    default:
      return Json(kWell);
  }
}

Router::Outcome Router::Upscale(const HttpRequest& request, const std::string& request_id) const {
  if (AnnouncedBytes(request) > backend_.max_upload_bytes) {
    return Refuse(backend_, {.request_id = request_id,
                             .trace_id = TraceIdOf(TraceOf(request.headers)),
                             .status = BodyTooLarge(backend_.max_upload_bytes),
                             .took = TimePoint::duration::zero()});
  }
  return std::make_shared<UpscaleHandler>(backend_, request, request_id);
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
