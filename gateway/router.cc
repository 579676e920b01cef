#include "gateway/router.h"

#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "client/async_unary_call.h"
#include "common/error_details.h"
#include "gateway/api_key.h"
#include "gateway/call_handler.h"
#include "gateway/job_request.h"
#include "gateway/job_routes.h"
#include "gateway/rest_error.h"
#include "gateway/server_description.h"
#include "gateway/trace_headers.h"
#include "proto/upscaler/v1/upscaler.grpc.pb.h"
#include "telemetry/request_id.h"

namespace upscaler {
namespace {

// What the status pages say while all is well.
constexpr const char* kWell = R"({"status": true})";

HttpResponse Json(std::string body) {
  return {
      .status = 200, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

// Tells a browser whether another origin's page may make the request it is about to.
HttpResponse Preflight(const HttpRequest& request, const std::string& allowed, const Cors& cors) {
  HttpResponse response{.status = 204, .headers = cors.ForPreflight(request.headers, allowed)};
  response.headers.emplace_back("Allow", allowed);
  return response;
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

using InfoCall =
    AsyncUnaryCall<v1::UpscalerService, v1::GetServerInfoRequest, v1::GetServerInfoResponse>;

}  // namespace

Router::Router(const UpscaleBackend& backend, Probes probes, Cors cors)
    : backend_(backend), probes_(std::move(probes)), cors_(std::move(cors)) {
  AddRoutes();
}

void Router::AddRoutes() {
  const auto upscale = [this](const RoutedRequest& request) { return Upscale(request); };
  const auto status = [](const RoutedRequest& /*request*/) { return Json(kWell); };
  const auto page = [this](const RoutedRequest& request) { return PagePart(request); };
  routes_.Add("POST", "/v1/images/upscale", upscale);
  routes_.Add("POST", "/images/upscale", upscale);
  AddJobRoutes(routes_, backend_);
  routes_.Add("GET", "/v1", status);
  routes_.Add("GET", "/v1/", status);
  routes_.Add("GET", "/v1/models",
              [this](const RoutedRequest& request) { return Info(request, ModelsAnswer); });
  routes_.Add("GET", "/v1/models/{model}", [this](const RoutedRequest& request) {
    return Info(request, [id = request.parameters[0]](const v1::GetServerInfoResponse& info) {
      return ModelAnswer(info, id);
    });
  });
  routes_.Add("GET", "/v1/capabilities",
              [this](const RoutedRequest& request) { return Info(request, CapabilitiesAnswer); });
  routes_.Add("GET", "/openapi.json", [this](const RoutedRequest& request) {
    return description_.Answer(request.http.headers);
  });
  routes_.Add("GET", "/livez", [this](const RoutedRequest& /*request*/) { return Liveness(); });
  routes_.Add("GET", "/readyz", [this](const RoutedRequest& /*request*/) { return Readiness(); });
  routes_.Add("GET", "/", page);
  routes_.Add("GET", "/page/{file}", page);
}

HttpServer::Decision Router::Dispatch(const HttpRequest& request) const {
  if (!HasClearLength(request)) {
    return Refuse(request, absl::InvalidArgumentError(
                               "the length of the body is given in several ways; one "
                               "Content-Length, or Transfer-Encoding: chunked, is allowed"));
  }
  const std::string request_id = RequestIdFrom(FindHeader(request.headers, "x-request-id"));
  return {.outcome = Route({.http = request, .id = request_id}),
          .headers = HeadersFor(request, request_id),
          // Who asks before it sends its body is told now.
          .refuses_body = !FindHeader(request.headers, "expect").empty()};
}

HttpServer::Decision Router::Refuse(const HttpRequest& request, const absl::Status& why) const {
  const std::string request_id = RequestIdFrom(FindHeader(request.headers, "x-request-id"));
  return {.outcome = ErrorResponse(why),
          .headers = HeadersFor(request, request_id),
          .refuses_body = true};
}

HttpHeaders Router::HeadersFor(const HttpRequest& request, const std::string& request_id) const {
  HttpHeaders headers = cors_.ForAnswer(request.headers);
  headers.emplace_back("X-Request-Id", request_id);
  return headers;
}

Router::Outcome Router::Route(RoutedRequest request) const {
  const std::string allowed = routes_.AllowedMethods(request.http.path);
  if (allowed.empty()) return NotFound(request.http);
  if (request.http.method == "OPTIONS") return Preflight(request.http, allowed, cors_);
  const RouteTable::Handle* const handle = routes_.Find(request);
  return handle == nullptr ? MethodNotAllowed(request.http, allowed) : (*handle)(request);
}

Router::Outcome Router::Upscale(const RoutedRequest& request) const {
  if (AnnouncedBytes(request.http) > backend_.max_upload_bytes) {
    return upscaler::Refuse(backend_, {.request_id = request.id,
                                       .trace = TraceOf(request.http.headers),
                                       .status = BodyTooLarge(backend_.max_upload_bytes),
                                       .took = TimePoint::duration::zero()});
  }
  auto handler = std::make_shared<UpscaleHandler>(backend_, request.http, request.id);
  // Strangers shall not send megabytes before they hear it.
  if (!handler->problem().ok()) return handler->RefuseAs(handler->problem());
  return handler;
}

Router::Outcome Router::Info(const RoutedRequest& request, const Describe& describe) const {
  if (backend_.authorize == nullptr) return AskInfo(request, describe);
  const absl::Status allowed = backend_.authorize(ApiKeyOf(request.http.headers));
  if (!allowed.ok()) return ErrorResponse(allowed);
  const auto info = probes_.info == nullptr ? std::nullopt : probes_.info();
  if (info.has_value()) return describe(*info);
  return ErrorResponse(
      WithReason(absl::UnavailableError("it is not known yet what the service is"), "LOADING"));
}

Router::Outcome Router::AskInfo(const RoutedRequest& request, const Describe& describe) const {
  const auto call = InfoCall::Create();
  return std::make_shared<CallHandler>(call, [call, channel = backend_.backends.balanced(),
                                              options = QuestionOptions(request),
                                              describe](Respond respond) {
    call->Start(channel, &v1::UpscalerService::StubInterface::async_interface::GetServerInfo, {},
                options,
                [describe, respond = std::move(respond)](
                    const absl::StatusOr<v1::GetServerInfoResponse>& info) mutable {
                  std::move(respond)(info.ok() ? describe(*info) : ErrorResponse(info.status()));
                });
  });
}

HttpResponse Router::Liveness() const {
  if (probes_.live == nullptr || probes_.live()) return Json(kWell);
  return ErrorResponse(Unavailable("the service hangs or has lost its devices"));
}

HttpResponse Router::Readiness() const {
  if (probes_.ready == nullptr || probes_.ready()) return Json(kWell);
  return ErrorResponse(Unavailable("the service is starting, draining or held up"));
}

HttpResponse Router::PagePart(const RoutedRequest& request) const {
  return web_page_.Answer(request.http).value_or(NotFound(request.http));
}

}  // namespace upscaler
