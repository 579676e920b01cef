// Just enough HTTP/1.1 to ask a server on the loopback one thing.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace upscaler::test {

struct HttpReply {
  int status = 0;                              // 0: the server closed without a word.
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
  bool whole = true;  // False where a body that came in chunks was cut off.
};

struct HttpQuestion {
  std::string method = "GET";
  std::string path = "/";
  std::string headers{};  // Lines that end with "\r\n".
  std::string body{};
  bool announce_length = true;
};

// A connection that is closed at the end.
class HttpConnection {
 public:
  explicit HttpConnection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      Close();
    }
  }
  ~HttpConnection() { Close(); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void Close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  // Closes so that the server hears it as an error: what it sends is lost.
  void Reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    Close();
  }

  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void Ask(const HttpQuestion& question) const {
    std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                                   question.method, question.path);
    if (question.announce_length && !question.body.empty()) {
      head += fmt::format("Content-Length: {}\r\n", question.body.size());
    }
    Send(head + question.headers + "\r\n" + question.body);
  }

  // Reads until `text` has come or the server closes the connection. Whether it has come.
  bool AwaitText(std::string_view text) {
    while (received_.find(text) == std::string::npos) {
      if (!Receive()) return false;
    }
    return true;
  }

  // The answer's head, as soon as it is there.
  std::string AwaitHead() const {
    std::string text;
    char byte = 0;
    while (!absl::StrContains(text, "\r\n\r\n") && ::recv(socket_, &byte, 1, 0) == 1) text += byte;
    return text;
  }

  // How much the system keeps of what has come and was not read.
  void SetReceiveBuffer(int bytes) const {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }

  // Reads until so many more bytes have come; false where the server closes first.
  bool AwaitBytes(std::size_t bytes) {
    const std::size_t wanted = received_.size() + bytes;
    while (received_.size() < wanted) {
      if (!Receive()) return false;
    }
    return true;
  }

  // Whether the server closes the connection before so many milliseconds have passed.
  bool EndsWithin(int milliseconds) {
    pollfd poll{.fd = socket_, .events = POLLIN, .revents = 0};
    while (::poll(&poll, 1, milliseconds) == 1) {
      if (!Receive()) return true;
    }
    return false;
  }

  // Everything until the server closes the connection.
  HttpReply Await() {
    while (Receive()) continue;
    return Parse(received_);
  }

 private:
  bool Receive() {
    char buffer[4096];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got > 0) received_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  // The body that came in chunks, as far as it has come.
  static std::string Unchunk(std::string_view chunked, bool& whole) {
    std::string body;
    whole = false;
    while (true) {
      const std::size_t line = chunked.find("\r\n");
      if (line == std::string_view::npos) return body;
      const std::size_t size = std::strtoul(std::string(chunked).c_str(), nullptr, 16);
      whole = size == 0;
      if (whole) return body;
      body += chunked.substr(line + 2, size);
      chunked.remove_prefix(std::min(line + 2 + size + 2, chunked.size()));
    }
  }

  static HttpReply Parse(const std::string& text) {
    HttpReply reply;
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return reply;
    reply.body = text.substr(end + 4);
    std::size_t at = text.find("\r\n");
    reply.status = std::atoi(text.substr(std::string_view("HTTP/1.1 ").size(), 3).c_str());
    while (at < end) {
      const std::size_t line = at + 2;
      at = text.find("\r\n", line);
      const std::size_t colon = text.find(": ", line);
      reply.headers[absl::AsciiStrToLower(text.substr(line, colon - line))] =
          text.substr(colon + 2, at - colon - 2);
    }
    if (reply.headers.contains("transfer-encoding")) {
      reply.body = Unchunk(reply.body, reply.whole);
    }
    return reply;
  }

  int socket_;
  std::string received_;
};

inline HttpReply Ask(std::uint16_t port, const HttpQuestion& question) {
  HttpConnection connection(port);
  connection.Ask(question);
  return connection.Await();
}

// A multipart body with the boundary "frontier". A field called "image" comes as
// a file.
inline std::string Multipart(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body += fmt::format("--frontier\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\r\n{}\r\n",
                        name, name == "image" ? "; filename=\"in.png\"" : "", value);
  }
  return body + "--frontier--\r\n";
}

}  // namespace upscaler::test
