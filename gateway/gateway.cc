#include "gateway/gateway.h"

#include <string_view>
#include <utility>

#include "common/status_macros.h"
#include "gateway/rest_error.h"

namespace upscaler {
namespace {

// Less than the minute after which proxies close silent connections.
constexpr std::chrono::seconds kKeepAlive{15};

// Asked by who watches over processes, which shows no certificate.
bool IsProbe(std::string_view path) { return path == "/livez" || path == "/readyz"; }

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(Options options, const Backends& backends,
                                                        UploadBudget& uploads, const Clock& clock) {
  std::unique_ptr<const Tls> tls;
  if (!options.tls.files.certificate.empty()) {
    UPSCALER_ASSIGN_OR_RETURN(tls, Tls::Open(std::move(options.tls)));
  }
  const HttpServer::Options http{.address = options.address,
                                 .max_body_bytes = options.max_upload_bytes,
                                 .max_connections = options.max_connections,
                                 .stall_timeout = options.stall_timeout,
                                 .drain_timeout = options.drain_timeout,
                                 .tls = tls.get()};
  // Not make_unique, which has no access to the constructor.
  std::unique_ptr<Gateway> gateway(
      new Gateway(std::move(options), std::move(tls), backends, uploads, clock));
  UPSCALER_ASSIGN_OR_RETURN(
      gateway->server_,
      HttpServer::Start(http, clock, [&gateway = *gateway](const HttpRequest& request) {
        return gateway.Dispatch(request);
      }));
  return gateway;
}

Gateway::Gateway(Options options, std::unique_ptr<const Tls> tls, const Backends& backends,
                 UploadBudget& uploads, const Clock& clock)
    : tls_(std::move(tls)),
      keep_alive_(kKeepAlive),
      backend_{.backends = backends,
               .model = std::move(options.model),
               .max_upload_bytes = options.max_upload_bytes,
               .timeout = options.request_timeout,
               .clock = clock,
               .on_refused = std::move(options.on_refused),
               .uploads = uploads,
               .counts_unsent = options.counts_unsent,
               .authorize = std::move(options.authorize),
               .keep_alive = keep_alive_,
               .open_calls = open_calls_,
               .pool = pool_},
      router_(backend_,
              {.ready = std::move(options.ready),
               .live = std::move(options.live),
               .info = std::move(options.server_info)},
              std::move(options.cors)) {}

HttpServer::Decision Gateway::Dispatch(const HttpRequest& request) const {
  // Browsers show no certificate when they ask whether a page may call.
  if (tls_ == nullptr || IsProbe(request.path) || request.method == "OPTIONS" ||
      tls_->Admits(request.connection)) {
    return router_.Dispatch(request);
  }
  return router_.Refuse(
      request, absl::PermissionDeniedError(
                   "a client certificate is needed, from an authority that this server trusts"));
}

}  // namespace upscaler
