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
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "common/clock.h"
#include "gateway/backends.h"
#include "gateway/http_server.h"
#include "gateway/router.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// Thread-safe.
class Gateway {
 public:
  struct Options {
    std::string address = "127.0.0.1:8997";  // As ListenAddress has it.
    // To the service; see client/channel.h. Shared, as gRPC's channels are.
    std::shared_ptr<grpc::Channel> channel{};
    std::string model{};  // The served model's name.
    std::size_t max_upload_bytes = std::size_t{32} << 20;
    std::chrono::milliseconds request_timeout{600'000};
    // How long open requests may go on when the gateway stops.
    std::chrono::milliseconds drain_timeout{10'000};
    std::string cors_origin = "*";
    // Whether the service takes work, and whether it can ever again without being
    // started anew. Must not block; null means always.
    std::function<bool()> ready{};
    std::function<bool()> live{};
    // Called once for each upscale that the gateway refuses by itself; all others
    // are the service's to count. On the gateway's thread; may be null. Must not
    // block.
    std::function<void(const RefusedRequest&)> on_refused{};
    // Whether the owner of an API key, which is empty where a request brings none, may
    // ask: looked at before the body is read. Null where the service is to say it. Must
    // not block.
    std::function<absl::Status(const std::string& api_key)> authorize{};
  };

  // Serves from now on. Bodies that are arriving are taken from `uploads`. It and `clock`
  // must outlive the gateway. kFailedPrecondition when
  // the address is taken or is none.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(Options options, UploadBudget& uploads,
                                                        const Clock& clock);

  // Stops: see HttpServer's destructor.
  ~Gateway() = default;

  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  std::uint16_t port() const { return server_->port(); }

 private:
  Gateway(Options options, UploadBudget& uploads, const Clock& clock);

  const std::unique_ptr<const Backends> backends_;
  KeepAlive keep_alive_;
  OpenCalls open_calls_;  // Goes before what its calls use.
  const UpscaleBackend backend_;
  const Router router_;
  std::unique_ptr<HttpServer> server_;  // Last: it calls the router.
};

}  // namespace upscaler
