// REST for those who do not speak gRPC.
//
// The gateway is an ordinary client of the gRPC service: it can run inside the
// server's process or in one of its own, and knows nothing of models or queues.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/thread_pool.h"
#include "gateway/backends.h"
#include "gateway/cors.h"
#include "gateway/http_server.h"
#include "gateway/router.h"
#include "gateway/tls.h"
#include "gateway/upscale_handler.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// Thread-safe.
class Gateway {
 public:
  struct Options {
    std::string address = "127.0.0.1:8997";  // As ListenAddress has it.
    // The served model's name; empty while it is not known: requests are answered 503,
    // LOADING, until then. Called on any thread; must not block.
    std::function<std::string()> model = [] { return std::string(); };
    std::size_t max_upload_bytes = std::size_t{32} << 20;
    unsigned max_connections = 4096;  // At a time; more wait until there are fewer.
    // See HttpServer.
    std::chrono::milliseconds stall_timeout{60'000};
    std::chrono::milliseconds request_timeout{600'000};
    // How long open requests may go on when the gateway stops.
    std::chrono::milliseconds drain_timeout{10'000};
    // TLS, where there is a certificate. Clients without one that tls.client_ca vouches for
    // are answered 403, but for /livez and /readyz: probes have none.
    Tls::Options tls{};
    Cors cors{};  // Which web pages may call.
    // Whether the service takes work, and whether it can ever again without being
    // started anew. Must not block; null means always.
    std::function<bool()> ready{};
    std::function<bool()> live{};
    // What the service is and allows; nothing while that is not known, nor where this is
    // null. Must not block. Not used where `authorize` is null: the service is asked then,
    // with the client's own key.
    std::function<std::optional<v1::GetServerInfoResponse>()> server_info{};
    // Called once for each upscale that the gateway refuses by itself; all others
    // are the service's to count. On any thread; may be null. Must not
    // block.
    std::function<void(const RefusedRequest&)> on_refused{};
    // Whether bodies are taken from the uploads until they have been sent to the service; see
    // UpscaleBackend. Not where the service takes its pictures from the same ones.
    bool counts_unsent = false;
    // Whether the owner of an API key, which is empty where a request brings none, may
    // ask: looked at before the body is read. Null where the service is to say it. Must
    // not block.
    std::function<absl::Status(const std::string& api_key)> authorize{};
  };

  // Serves from now on, as a client of `backends`. Bodies that are arriving are taken from
  // `uploads`. What is passed by reference must outlive the gateway. kFailedPrecondition
  // when the address is taken or is none.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(Options options, const Backends& backends,
                                                        UploadBudget& uploads, const Clock& clock);

  // Stops: see HttpServer's destructor.
  ~Gateway() = default;

  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // See HttpServer.
  void LetClientsGo() { server_->LetClientsGo(); }

  std::uint16_t port() const { return server_->port(); }
  const RouteTable& routes() const { return router_.routes(); }

  // Requests from their head to the last byte of their answer.
  std::size_t open_requests() const { return server_->open_requests(); }

 private:
  Gateway(Options options, std::unique_ptr<const Tls> tls, const Backends& backends,
          UploadBudget& uploads, const Clock& clock);

  static constexpr std::size_t kPoolThreads = 2;

  HttpServer::Decision Dispatch(const HttpRequest& request) const;

  const std::unique_ptr<const Tls> tls_;  // Null without TLS.
  KeepAlive keep_alive_;
  OpenCalls open_calls_;  // Goes before what its calls use.
  ThreadPool pool_{kPoolThreads};
  const UpscaleBackend backend_;
  const Router router_;
  std::unique_ptr<HttpServer> server_;  // Last: it calls the router.
};

}  // namespace upscaler
