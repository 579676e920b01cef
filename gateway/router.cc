#include "gateway/router.h"

#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/rest_error.h"
#include "telemetry/request_id.h"

namespace upscaler {
namespace {

// What a web page's script may see of an answer, beside its body.
constexpr const char* kExposedHeaders = "Retry-After, Seed, X-Request-Id, x-should-retry";

// What the status pages say while all is well.
constexpr const char* kWell = R"({"status": true})";

enum class Page { kUpscale, kStatus, kLiveness, kReadiness, kWebPage, kNone };

Page PageAt(std::string_view path) {
  if (path == "/v1/images/upscale" || path == "/images/upscale") return Page::kUpscale;
  if (path == "/v1" || path == "/v1/") return Page::kStatus;
  if (path == "/livez") return Page::kLiveness;
  if (path == "/readyz") return Page::kReadiness;
  if (path == "/" || path.starts_with("/page/")) return Page::kWebPage;
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

HttpResponse NothingAt(const HttpRequest& request) {
  return ErrorResponse(RestError{.status = 404,
                                 .message = fmt::format("there is nothing at {}", request.path),
                                 .code = "not_found"});
}

// Tells a browser that another origin's page may make the request it is about to.
HttpResponse Preflight(const HttpRequest& request, Page page) {
  const std::string_view asked = FindHeader(request.headers, "access-control-request-headers");
  return {.status = 204,
          .headers = {{"Allow", AllowedMethods(page)},
                      {"Access-Control-Allow-Methods", AllowedMethods(page)},
                      {"Access-Control-Allow-Headers", std::string(asked.empty() ? "*" : asked)},
                      {"Access-Control-Max-Age", "86400"}}};
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

Router::Router(const UpscaleBackend& backend, Probes probes, std::string cors_origin)
    : backend_(backend), probes_(std::move(probes)), cors_origin_(std::move(cors_origin)) {}

HttpServer::Decision Router::Dispatch(const HttpRequest& request) const {
  const std::string request_id = RequestIdFrom(FindHeader(request.headers, "x-request-id"));
  return {.outcome = Route(request, request_id),
          .headers = {{"X-Request-Id", request_id},
                      {"Access-Control-Allow-Origin", cors_origin_},
                      {"Access-Control-Expose-Headers", kExposedHeaders}}};
}

Router::Outcome Router::Route(const HttpRequest& request, const std::string& request_id) const {
  const Page page = PageAt(request.path);
  if (page == Page::kNone) return NothingAt(request);
  if (request.method == "OPTIONS") return Preflight(request, page);
  if (!IsAllowed(page, request.method)) return MethodNotAllowed(request, page);
  switch (page) {
    case Page::kUpscale:
      return Upscale(request, request_id);
    case Page::kLiveness:
      return Liveness();
    case Page::kReadiness:
      return Readiness();
    case Page::kWebPage:
      return web_page_.Answer(request).value_or(NothingAt(request));
    default:
      return Json(kWell);
  }
}

Router::Outcome Router::Upscale(const HttpRequest& request, const std::string& request_id) const {
  if (AnnouncedBytes(request) > backend_.max_upload_bytes) {
    return Refuse(backend_, {.request_id = request_id,
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
