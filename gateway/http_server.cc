#include "gateway/http_server.h"

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/status_macros.h"
#include "gateway/connection_context.h"
#include "gateway/listen_address.h"
#include "gateway/outgoing_answer.h"

namespace upscaler {
namespace {

// For the headers of a request, and for each part of its body.
constexpr std::size_t kConnectionMemoryBytes = std::size_t{64} << 10;

// How long a client may take to read its answer when the server stops.
constexpr std::chrono::milliseconds kLastWords{1'000};

// How much of an answer the system takes that it cannot send yet. It would take megabytes for
// a client that reads slowly, whose pace nobody could see then.
constexpr int kUnsentBytes = 64 << 10;

// Headers, or the arguments of the query.
HttpHeaders ValuesOf(MHD_Connection* connection, MHD_ValueKind kind) {
  HttpHeaders headers;
  const auto keep = [](void* list, MHD_ValueKind, const char* name, const char* value) {
    static_cast<HttpHeaders*>(list)->emplace_back(name, value == nullptr ? "" : value);
    return MHD_YES;
  };
  MHD_get_connection_values(connection, kind, keep, &headers);
  return headers;
}

int SocketOf(MHD_Connection* connection) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

ConnectionContext& ContextOf(MHD_Connection* connection) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return *static_cast<ConnectionContext*>(info->socket_context);
}

void SetUp(int socket) {
  // Small answers are not held back for more: under TLS the first one of a connection would
  // wait 40 ms for the client to confirm the handshake's last message.
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes, sizeof kUnsentBytes);
}

}  // namespace

// One request from its head to the last byte of its answer. Used on
// libmicrohttpd's thread, but for the answer, which comes on any.
class HttpServer::Exchange {
 public:
  Exchange(HttpServer& server, const HttpRequest& request)
      : server_(server),
        outlet_{.connection = request.connection,
                .suspended = server.suspended_,
                .pace = server.pace_,
                .ticket = ContextOf(request.connection).ticket} {
    Decision decision = server.dispatch_(request);
    headers_ = std::move(decision.headers);
    if (auto* response = std::get_if<HttpResponse>(&decision.outcome)) {
      response_ = std::move(*response);
    } else {
      handler_ = std::get<std::shared_ptr<RequestHandler>>(std::move(decision.outcome));
    }
    refuses_body_ =
        response_.has_value() &&
        (decision.refuses_body || AnnouncedBytes(request) > server.options_.max_body_bytes);
    // libmicrohttpd overlooks the end of a client's bytes that comes together with them.
    if (!refuses_body_ && HasBody(request)) {
      ticket_ = server.watch_->AddReader(SocketOf(outlet_.connection));
    }
    server.pace_.Expect(outlet_.ticket);
  }

  MHD_Result OnHead() { return refuses_body_ ? SendResponse() : MHD_YES; }

  MHD_Result OnBody(std::string_view part) {
    // Twice the limit, so that a handler that counts can answer in good order.
    body_bytes_ += part.size();
    if (body_bytes_ > 2 * server_.options_.max_body_bytes) return MHD_NO;
    server_.pace_.Move(outlet_.ticket, part.size(), body_bytes_);
    if (handler_ != nullptr) handler_->OnBody(part);
    return MHD_YES;
  }

  // Called once when the request is complete, and again when the connection is
  // resumed, which it is when there is a response.
  MHD_Result OnEnd() {
    if (response_.has_value()) return SendResponse();
    if (!server_.suspended_.Suspend(outlet_.connection)) return MHD_NO;
    server_.pace_.Rest(outlet_.ticket);
    if (ticket_.has_value()) server_.watch_->Remove(*ticket_);
    ticket_ = server_.watch_->Add(SocketOf(outlet_.connection),
                                  [handler = handler_] { handler->OnClientGone(); });
    complete_ = true;
    handler_->OnComplete([this](HttpResponse response) {
      response_ = std::move(response);
      outlet_.suspended.Resume(outlet_.connection);
    });
    return MHD_YES;
  }

  // The connection is done with the request, whose socket is still open.
  void OnCompleted(bool well) {
    // An answer that came just when the client went has not been taken over by a response.
    if (response_.has_value() && response_->pipe != nullptr) response_->pipe->Abandon();
    if (ticket_.has_value()) server_.watch_->Remove(*ticket_);
    if (complete_ && !well) handler_->OnClientGone();
    server_.pace_.Expect(outlet_.ticket);  // The next request, if any.
  }

 private:
  MHD_Result SendResponse() {
    HttpResponse response = *std::move(response_);
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
    if (server_.last_answers_) response.headers.emplace_back("Connection", "close");
    return QueueAnswer(outlet_, std::move(response)) ? MHD_YES : MHD_NO;
  }

  HttpServer& server_;
  const Outlet outlet_;
  HttpHeaders headers_;
  std::shared_ptr<RequestHandler> handler_;  // Null where the answer was clear at once.
  std::optional<HttpResponse> response_;
  bool refuses_body_ = false;
  std::size_t body_bytes_ = 0;
  // While its body comes, and then while its answer is made and sent.
  std::optional<HangupWatch::Ticket> ticket_;
  bool complete_ = false;  // The handler knows that it is.
};

struct HttpServer::Callbacks {
  // The beginning and the end of a connection, whose socket is open at both.
  static void OnConnection(void* server_pointer, MHD_Connection* connection, void** context,
                           MHD_ConnectionNotificationCode code) {
    auto& server = *static_cast<HttpServer*>(server_pointer);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      const int socket = SocketOf(connection);
      SetUp(socket);
      auto made = std::make_unique<ConnectionContext>(
          ConnectionContext{.tls = server.options_.tls, .ticket = server.pace_.Add(socket)});
      *context = made.release();
    } else {
      const std::unique_ptr<ConnectionContext> done(static_cast<ConnectionContext*>(*context));
      *context = nullptr;
      server.pace_.Remove(done->ticket);
    }
  }

  // A request's head, each part of its body, its end, and its end again when it
  // was resumed. `*exchange` is null at the head.
  static MHD_Result OnRequest(void* server_pointer, MHD_Connection* connection, const char* url,
                              const char* method, const char* /*version*/, const char* data,
                              std::size_t* size, void** exchange_pointer) {
    auto& server = *static_cast<HttpServer*>(server_pointer);
    if (*exchange_pointer == nullptr) {
      auto exchange = std::make_unique<Exchange>(
          server, HttpRequest{.method = method,
                              .path = url,
                              .query = ValuesOf(connection, MHD_GET_ARGUMENT_KIND),
                              .headers = ValuesOf(connection, MHD_HEADER_KIND),
                              .connection = connection});
      const MHD_Result result = exchange->OnHead();
      *exchange_pointer = exchange.release();  // OnCompleted deletes it.
      const MutexLock lock(server.mutex_);
      ++server.open_;
      return result;
    }
    auto& exchange = *static_cast<Exchange*>(*exchange_pointer);
    if (*size == 0) return exchange.OnEnd();
    return exchange.OnBody({data, std::exchange(*size, 0)});
  }

  static void OnCompleted(void* server_pointer, MHD_Connection* /*connection*/,
                          void** exchange_pointer, MHD_RequestTerminationCode why) {
    const std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(*exchange_pointer));
    if (exchange == nullptr) return;
    *exchange_pointer = nullptr;
    exchange->OnCompleted(why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    auto& server = *static_cast<HttpServer*>(server_pointer);
    const MutexLock lock(server.mutex_);
    --server.open_;
    server.fewer_.notify_all();
  }
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              const Clock& clock,
                                                              Dispatch dispatch) {
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<HangupWatch> watch, HangupWatch::Start());
  // Not make_unique, which has no access to the constructor.
  std::unique_ptr<HttpServer> server(
      new HttpServer(options, clock, std::move(dispatch), std::move(watch)));
  UPSCALER_RETURN_IF_ERROR(server->Listen());
  return server;
}

HttpServer::HttpServer(Options options, const Clock& clock, Dispatch dispatch,
                       std::unique_ptr<HangupWatch> watch)
    : options_(std::move(options)),
      dispatch_(std::move(dispatch)),
      watch_(std::move(watch)),
      pace_(clock, options_.stall_timeout) {}

HttpServer::~HttpServer() {
  if (daemon_ == nullptr) return;
  LetClientsGo();
  const int listening = MHD_quiesce_daemon(daemon_);
  ::shutdown(listening, SHUT_RDWR);  // Who connects from now on is refused.
  AwaitNoneOpen(options_.drain_timeout);
  suspended_.Stop();
  watch_->HangUpAll();
  suspended_.AwaitNone();
  AwaitNoneOpen(kLastWords);
  MHD_stop_daemon(daemon_);
  ::close(listening);
}

std::size_t HttpServer::open_requests() const {
  const MutexLock lock(mutex_);
  return open_;
}

absl::Status HttpServer::Listen() {
  UPSCALER_ASSIGN_OR_RETURN(const ListenAddress address, ListenAddress::Parse(options_.address));
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
  if (address.is_ipv6()) flags |= MHD_USE_IPv6;
  constexpr MHD_OptionItem kNoMore{MHD_OPTION_END, 0, nullptr};
  if (options_.tls != nullptr) flags |= MHD_USE_TLS;
  const MHD_OptionItem* const tls =
      options_.tls == nullptr ? &kNoMore : options_.tls->daemon_options();
  errno = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
  daemon_ =
      MHD_start_daemon(flags, address.port(), nullptr, nullptr, &Callbacks::OnRequest, this,  //
                       MHD_OPTION_SOCK_ADDR, address.address(),                               //
                       MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::OnConnection, this,          //
                       MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::OnCompleted, this,            //
                       MHD_OPTION_CONNECTION_LIMIT, options_.max_connections,                 //
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemoryBytes,            //
                       MHD_OPTION_ARRAY, tls,                                                 //
                       MHD_OPTION_END);
  if (daemon_ == nullptr) {
    return absl::FailedPreconditionError(fmt::format("cannot listen at {} for REST: {}",
                                                     options_.address,
                                                     std::generic_category().message(errno)));
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
  port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
  return absl::OkStatus();
}

void HttpServer::AwaitNoneOpen(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(mutex_);
  while (open_ > 0 && lock.WaitUntil(fewer_, until)) continue;
}

}  // namespace upscaler
