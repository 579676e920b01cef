// Just enough HTTP/1.1 to ask a server on the loopback one thing.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  explicit HttpConnection(std::uint16_t port);
  ~HttpConnection() { Close(); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void Close();

  // Closes so that the server hears it as an error: what it sends is lost.
  void Reset();

  void Send(std::string_view bytes) const;
  void Ask(const HttpQuestion& question) const;

  // Reads until `text` has come or the server closes the connection. Whether it has come.
  bool AwaitText(std::string_view text);

  // The answer's head, as soon as it is there.
  std::string AwaitHead() const;

  // How much the system keeps of what has come and was not read.
  void SetReceiveBuffer(int bytes) const;

  // Reads until so many more bytes have come; false where the server closes first.
  bool AwaitBytes(std::size_t bytes);

  // Whether the server closes the connection before so many milliseconds have passed.
  bool EndsWithin(int milliseconds);

  // Everything until the server closes the connection.
  HttpReply Await();

 private:
  bool Receive();

  int socket_;
  std::string received_;
};

HttpReply Ask(std::uint16_t port, const HttpQuestion& question);

// A multipart body with the boundary "frontier". A field called "image" comes as
// a file.
std::string Multipart(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace upscaler::test
