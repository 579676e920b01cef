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
#include "gateway/listen_address.h"

namespace upscaler {
namespace {

// For the headers of a request, and for each part of its body.
constexpr std::size_t kConnectionMemoryBytes = std::size_t{64} << 10;

// How long a client may take to read its answer when the server stops.
constexpr std::chrono::milliseconds kLastWords{1'000};

// How much of a body counts as progress; how much of a piped one is sent at a time.
constexpr std::size_t kProgressBytes = std::size_t{64} << 10;
constexpr std::size_t kPipeBlockBytes = std::size_t{64} << 10;

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

// A response of libmicrohttpd that frees the body when it has been sent. Null when there is
// no memory.
MHD_Response* MakeBuffered(std::string text) {
  auto body = std::make_unique<std::string>(std::move(text));
  MHD_Response* const raw = MHD_create_response_from_buffer_with_free_callback_cls(
      body->size(), body->data(), [](void* kept) { delete static_cast<std::string*>(kept); },
      body.get());
  if (raw != nullptr) static_cast<void>(body.release());
  return raw;
}

int SocketOf(MHD_Connection* connection) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): libmicrohttpd's interface.
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

// Small answers are not held back for more: under TLS the first one of a connection would
// wait 40 ms for the client to confirm the handshake's last message.
void SendAtOnce(void* /*closure*/, MHD_Connection* connection, void** /*socket_closure*/,
                MHD_ConnectionNotificationCode code) {
  if (code != MHD_CONNECTION_NOTIFY_STARTED) return;
  const int on = 1;
  ::setsockopt(SocketOf(connection), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// One request from its head to the last byte of its answer. Used on
// libmicrohttpd's thread, but for what Resume says.
class HttpServer::Exchange {
 public:
  Exchange(HttpServer& server, const HttpRequest& request)
      : server_(server), connection_(request.connection) {
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
      ticket_ = server.watch_->AddReader(SocketOf(connection_));
    }
  }

  MHD_Result OnHead() { return refuses_body_ ? SendResponse() : MHD_YES; }

  MHD_Result OnBody(std::string_view part) {
    // Twice the limit, so that a handler that counts can answer in good order.
    body_bytes_ += part.size();
    if (body_bytes_ > 2 * server_.options_.max_body_bytes || Stalls(part.size())) return MHD_NO;
    if (handler_ != nullptr) handler_->OnBody(part);
    return MHD_YES;
  }

  // Called once when the request is complete, and again when the connection is
  // resumed, which it is when there is a response.
  MHD_Result OnEnd() {
    if (response_.has_value()) return SendResponse();
    if (!Suspend()) return MHD_NO;
    if (ticket_.has_value()) server_.watch_->Remove(*ticket_);
    ticket_ = server_.watch_->Add(SocketOf(connection_),
                                  [handler = handler_] { handler->OnClientGone(); });
    complete_ = true;
    handler_->OnComplete([this](HttpResponse response) {
      response_ = std::move(response);
      Resume(server_, connection_);
    });
    return MHD_YES;
  }

  // The connection is done with the request, whose socket is still open.
  void OnCompleted(bool well) {
    // An answer that came just when the client went has not been taken over by a response.
    if (response_.has_value() && response_->pipe != nullptr) response_->pipe->Abandon();
    if (ticket_.has_value()) server_.watch_->Remove(*ticket_);
    if (complete_ && !well) handler_->OnClientGone();
  }

 private:
  // Where the body of an answer is on its way from.
  struct Outflow {
    Exchange& exchange;
    const std::shared_ptr<BodyPipe> pipe;
  };

  MHD_Result SendResponse() {
    HttpResponse response = *std::move(response_);
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
    if (server_.last_answers_) response.headers.emplace_back("Connection", "close");
    MHD_Response* const raw =
        response.pipe == nullptr ? MakeBuffered(std::move(response.body)) : MakePiped(response);
    if (raw == nullptr) return MHD_NO;
    for (const auto& [name, value] : response.headers) {
      MHD_add_response_header(raw, name.c_str(), value.c_str());
    }
    const MHD_Result result =
        MHD_queue_response(connection_, static_cast<unsigned>(response.status), raw);
    MHD_destroy_response(raw);
    return result;
  }

  // A response whose body is piped.
  MHD_Response* MakePiped(const HttpResponse& response) {
    const auto read = [](void* outflow, std::uint64_t /*at*/, char* buffer, std::size_t size) {
      return ReadPipe(*static_cast<Outflow*>(outflow), buffer, size);
    };
    const auto let_go = [](void* pointer) {
      const std::unique_ptr<Outflow> outflow(static_cast<Outflow*>(pointer));
      outflow->pipe->Abandon();
    };
    auto outflow = std::make_unique<Outflow>(Outflow{*this, response.pipe});
    MHD_Response* const raw =
        MHD_create_response_from_callback(response.pipe_bytes.value_or(MHD_SIZE_UNKNOWN),
                                          kPipeBlockBytes, read, outflow.get(), let_go);
    if (raw != nullptr) static_cast<void>(outflow.release());
    return raw;
  }

  // The next bytes of a piped body, for libmicrohttpd. Suspends the connection where there
  // are none yet.
  static ssize_t ReadPipe(Outflow& outflow, char* buffer, std::size_t size) {
    Exchange& exchange = outflow.exchange;
    HttpServer& server = exchange.server_;
    MHD_Connection* const connection = exchange.connection_;
    const BodyPipe::Taken taken = outflow.pipe->Take(
        buffer, size, [&exchange] { return exchange.Suspend(); },
        [&server, connection] { Resume(server, connection); });
    switch (taken.outcome) {
      case BodyPipe::Outcome::kBytes:
      case BodyPipe::Outcome::kNothingYet:
        return static_cast<ssize_t>(taken.bytes);
      case BodyPipe::Outcome::kEnd:
        return MHD_CONTENT_READER_END_OF_STREAM;
      default:
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
  }

  // Whether the client takes too long for its body, now that `bytes` more have come.
  bool Stalls(std::size_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    progress_bytes_ += bytes;
    if (progress_bytes_ >= kProgressBytes) {
      progress_bytes_ = 0;
      progress_time_ = now;
    }
    return now - progress_time_ > server_.options_.stall_timeout;
  }

  // False when the server is at its end: nothing may be suspended any more.
  bool Suspend() {
    {
      const MutexLock lock(server_.mutex_);
      if (server_.stopping_) return false;
      ++server_.suspended_;
    }
    MHD_suspend_connection(connection_);
    return true;
  }

  // On any thread. The exchange may be gone as soon as its connection resumes.
  static void Resume(HttpServer& server, MHD_Connection* connection) {
    MHD_resume_connection(connection);
    const MutexLock lock(server.mutex_);
    --server.suspended_;
    server.fewer_.notify_all();
  }

  HttpServer& server_;
  MHD_Connection* const connection_;
  HttpHeaders headers_;
  std::shared_ptr<RequestHandler> handler_;  // Null where the answer was clear at once.
  std::optional<HttpResponse> response_;
  bool refuses_body_ = false;
  std::size_t body_bytes_ = 0;
  // Since when fewer bytes than count as progress have come.
  std::size_t progress_bytes_ = 0;
  std::chrono::steady_clock::time_point progress_time_ = std::chrono::steady_clock::now();
  // While its body comes, and then while its answer is made and sent.
  std::optional<HangupWatch::Ticket> ticket_;
  bool complete_ = false;  // The handler knows that it is.
};

struct HttpServer::Callbacks {
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
                                                              Dispatch dispatch) {
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<HangupWatch> watch, HangupWatch::Start());
  // Not make_unique, which has no access to the constructor.
  std::unique_ptr<HttpServer> server(
      new HttpServer(options, std::move(dispatch), std::move(watch)));
  UPSCALER_RETURN_IF_ERROR(server->Listen());
  return server;
}

HttpServer::HttpServer(Options options, Dispatch dispatch, std::unique_ptr<HangupWatch> watch)
    : options_(std::move(options)), dispatch_(std::move(dispatch)), watch_(std::move(watch)) {}

HttpServer::~HttpServer() {
  if (daemon_ == nullptr) return;
  LetClientsGo();
  const int listening = MHD_quiesce_daemon(daemon_);
  ::shutdown(listening, SHUT_RDWR);  // Who connects from now on is refused.
  AwaitNoneOpen(options_.drain_timeout);
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  watch_->HangUpAll();
  // libmicrohttpd aborts the process if it is stopped with suspended connections.
  AwaitNoneSuspended();
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
  daemon_ = MHD_start_daemon(
      flags, address.port(), nullptr, nullptr, &Callbacks::OnRequest, this,                 //
      MHD_OPTION_SOCK_ADDR, address.address(),                                              //
      MHD_OPTION_NOTIFY_CONNECTION, &SendAtOnce, nullptr,                                   //
      MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::OnCompleted, this,                           //
      MHD_OPTION_CONNECTION_LIMIT, options_.max_connections,                                //
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(options_.idle_timeout.count()),  //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemoryBytes,                           //
      MHD_OPTION_ARRAY, tls,                                                                //
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

void HttpServer::AwaitNoneSuspended() {
  MutexLock lock(mutex_);
  while (suspended_ > 0) lock.Wait(fewer_);
}

}  // namespace upscaler
