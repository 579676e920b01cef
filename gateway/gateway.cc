#include "gateway/gateway.h"

#include <utility>

#include "common/status_macros.h"

namespace upscaler {
namespace {

// Less than the minute after which proxies close silent connections.
constexpr std::chrono::seconds kKeepAlive{15};

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(Options options, UploadBudget& uploads,
                                                        const Clock& clock) {
  const HttpServer::Options http{.address = options.address,
                                 .max_body_bytes = options.max_upload_bytes,
                                 .drain_timeout = options.drain_timeout};
  // Not make_unique, which has no access to the constructor.
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(options), uploads, clock));
  UPSCALER_ASSIGN_OR_RETURN(
      gateway->server_,
      HttpServer::Start(http, [&router = gateway->router_](const HttpRequest& request) {
        return router.Dispatch(request);
      }));
  return gateway;
}

Gateway::Gateway(Options options, UploadBudget& uploads, const Clock& clock)
    : backends_(Backends::One(options.channel)),
      keep_alive_(kKeepAlive),
      backend_{.channel = std::move(options.channel),
               .model = std::move(options.model),
               .max_upload_bytes = options.max_upload_bytes,
               .timeout = options.request_timeout,
               .clock = clock,
               .on_refused = std::move(options.on_refused),
               .uploads = uploads,
               .authorize = std::move(options.authorize),
               .keep_alive = keep_alive_,
               .backends = *backends_,
               .open_calls = open_calls_},
      router_(backend_, {.ready = std::move(options.ready), .live = std::move(options.live)},
              std::move(options.cors_origin)) {}

}  // namespace upscaler
