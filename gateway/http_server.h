// The HTTP server: where libmicrohttpd begins and ends.
//
// One thread runs all connections. A request whose answer takes time suspends its
// connection, so a thousand waiting clients cost memory and no threads.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "gateway/client_pace.h"
#include "gateway/hangup_watch.h"
#include "gateway/http_message.h"
#include "gateway/suspended_connections.h"
#include "gateway/tls.h"

struct MHD_Daemon;

namespace upscaler {

// Answers the request it was made for. To be called exactly once, on any thread,
// now or later.
using Respond = absl::AnyInvocable<void(HttpResponse) &&>;

// One request that has a body, or takes time, or both. The server calls the
// methods in this order; none may block.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // The next part of the body.
  virtual void OnBody(std::string_view part) = 0;

  // The request is complete.
  virtual void OnComplete(Respond respond) = 0;

  // The client has gone, perhaps before the answer, which is owed all the same, as is the
  // end of its pipe where it has one. Called on any thread once the body is complete:
  // perhaps before OnComplete, perhaps repeatedly, and perhaps when everything was sent.
  virtual void OnClientGone() = 0;
};

// Thread-safe.
class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1:8997";  // As ListenAddress has it.
    // A longer body gets its connection closed: at once where its length is
    // announced and Dispatch refuses it, at twice this in any case.
    std::size_t max_body_bytes = std::size_t{32} << 20;
    unsigned max_connections = 4096;
    // How long a client may take for the head of its next request, for each part of a body
    // and for each part of an answer, as ClientPace has it; its connection is closed then.
    std::chrono::milliseconds stall_timeout{60'000};
    std::chrono::milliseconds drain_timeout{10'000};
    const Tls* tls = nullptr;  // Null: no TLS. Outlives the server.
  };

  // What becomes of a request: an answer, or a handler that will give one
  // (shared, because a hang-up may reach it while its answer is on the way).
  struct Decision {
    std::variant<HttpResponse, std::shared_ptr<RequestHandler>> outcome;
    HttpHeaders headers{};  // Added to the answer either way.
    // An answer is sent at once, and the connection closed, without the body.
    bool refuses_body = false;
  };

  // Decides on a request by its head, on the server's thread; must not block. An
  // answer to a request that announces more than max_body_bytes is sent at once,
  // and the connection closed; otherwise the body is read first, and dropped.
  using Dispatch = absl::AnyInvocable<Decision(const HttpRequest&)>;

  // Serves from now on. `clock` must outlive the server. kFailedPrecondition when the address
  // is taken.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options,
                                                           const Clock& clock, Dispatch dispatch);

  // Accepts no more connections, lets the open requests finish for as long as
  // drain_timeout, cancels the rest, and stops.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // From now on each answer closes its connection, so that the client's next request goes
  // to another server rather than to one that has gone.
  void LetClientsGo() { last_answers_ = true; }

  std::uint16_t port() const { return port_; }

  // Requests from their head to the last byte of their answer.
  std::size_t open_requests() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Exchange;
  struct Callbacks;  // What libmicrohttpd calls.

  HttpServer(Options options, const Clock& clock, Dispatch dispatch,
             std::unique_ptr<HangupWatch> watch);

  absl::Status Listen();
  // Blocks until every request is answered and gone, or until `timeout`.
  void AwaitNoneOpen(std::chrono::milliseconds timeout) ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  Dispatch dispatch_;  // Used on libmicrohttpd's thread only.
  const std::unique_ptr<HangupWatch> watch_;
  SuspendedConnections suspended_;
  ClientPace pace_;
  MHD_Daemon* daemon_ = nullptr;  // Set once, by Listen.
  std::uint16_t port_ = 0;        // Likewise.

  std::atomic<bool> last_answers_ = false;

  mutable Mutex mutex_;
  std::condition_variable fewer_;  // An exchange ended.
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace upscaler
