// An answer on its way out: from what a handler has made to what libmicrohttpd sends.

#pragma once

#include "gateway/client_pace.h"
#include "gateway/http_message.h"
#include "gateway/suspended_connections.h"

struct MHD_Connection;

namespace upscaler {

// Where answers leave by. All of it outlives them.
struct Outlet {
  MHD_Connection* connection;
  SuspendedConnections& suspended;
  ClientPace& pace;
  ClientPace::Ticket ticket;  // The connection's.
};

// Sends `response` as fast as the client takes it, which has to keep the pace
// from now on, but for the time in which there is nothing to take. On libmicrohttpd's
// thread. False where there is no memory for it: the connection is to be closed then.
bool QueueAnswer(const Outlet& outlet, HttpResponse response);

}  // namespace upscaler
