// What is kept of a connection from its beginning to its end: libmicrohttpd has room for one
// pointer.

#pragma once

#include "gateway/client_pace.h"

namespace upscaler {

class Tls;

struct ConnectionContext {
  const Tls* tls = nullptr;  // Null without TLS.
  ClientPace::Ticket ticket = 0;
};

}  // namespace upscaler
