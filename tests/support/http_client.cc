#include "tests/support/http_client.h"

#include <algorithm>
#include <cstdlib>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace upscaler::test {
namespace {

// The body that came in chunks, as far as it has come.
std::string Unchunk(std::string_view chunked, bool& whole) {
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

HttpReply Parse(const std::string& text) {
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

}  // namespace

HttpConnection::HttpConnection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Close();
  }
}

void HttpConnection::Close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void HttpConnection::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  Close();
}

void HttpConnection::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void HttpConnection::Ask(const HttpQuestion& question) const {
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                                 question.method, question.path);
  if (question.announce_length && !question.body.empty()) {
    head += fmt::format("Content-Length: {}\r\n", question.body.size());
  }
  Send(head + question.headers + "\r\n" + question.body);
}

bool HttpConnection::AwaitText(std::string_view text) {
  while (received_.find(text) == std::string::npos) {
    if (!Receive()) return false;
  }
  return true;
}

std::string HttpConnection::AwaitHead() const {
  std::string text;
  char byte = 0;
  while (!absl::StrContains(text, "\r\n\r\n") && ::recv(socket_, &byte, 1, 0) == 1) text += byte;
  return text;
}

void HttpConnection::SetReceiveBuffer(int bytes) const {
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

bool HttpConnection::AwaitBytes(std::size_t bytes) {
  const std::size_t wanted = received_.size() + bytes;
  while (received_.size() < wanted) {
    if (!Receive()) return false;
  }
  return true;
}

bool HttpConnection::EndsWithin(int milliseconds) {
  pollfd poll{.fd = socket_, .events = POLLIN, .revents = 0};
  while (::poll(&poll, 1, milliseconds) == 1) {
    if (!Receive()) return true;
  }
  return false;
}

HttpReply HttpConnection::Await() {
  while (Receive()) continue;
  return Parse(received_);
}

bool HttpConnection::Receive() {
  char buffer[4096];
  const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
  if (got > 0) received_.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

HttpReply Ask(std::uint16_t port, const HttpQuestion& question) {
  HttpConnection connection(port);
  connection.Ask(question);
  return connection.Await();
}

std::string Multipart(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body += fmt::format("--frontier\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\r\n{}\r\n",
                        name, name == "image" ? "; filename=\"in.png\"" : "", value);
  }
  return body + "--frontier--\r\n";
}

}  // namespace upscaler::test
