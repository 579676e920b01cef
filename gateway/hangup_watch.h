// Notices clients that hang up while they wait for their answer.
//
// libmicrohttpd does not look at the socket of a suspended connection, so nobody
// would tell the worker to stop for a client that has gone. One thread looks at
// all such sockets at once.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class HangupWatch {
 public:
  // What to do when the client has gone. Called at most once, on the watch's
  // thread or inside Add or HangUpAll, possibly still running when Remove
  // returns. Must not block.
  using OnHangup = absl::AnyInvocable<void() &&>;

  // Starts the thread. kResourceExhausted when the system has no more descriptors.
  static absl::StatusOr<std::unique_ptr<HangupWatch>> Start();

  ~HangupWatch();

  HangupWatch(const HangupWatch&) = delete;
  HangupWatch& operator=(const HangupWatch&) = delete;

  // What one watched socket is called here. Not the socket's own number, which
  // the system gives to the next client as soon as this one's is closed.
  using Ticket = std::uint64_t;

  // Watches `socket` until Remove, which must come before it is closed. After
  // HangUpAll it counts as hung up at once.
  Ticket Add(int socket, OnHangup on_hangup) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same for a socket that is being read: whoever reads it is woken, and finds the end.
  Ticket AddReader(int socket) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(Ticket ticket) ABSL_LOCKS_EXCLUDED(mutex_);

  // Treats every client as gone, those to come included.
  void HangUpAll() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Watched {
    int socket = -1;
    OnHangup on_hangup{};  // Null once it was called, and for readers.
    bool reader = false;
  };

  HangupWatch(int epoll, int wakeup);

  void Run();
  Ticket Watch(Watched watched) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HangUp(Ticket ticket) ABSL_LOCKS_EXCLUDED(mutex_);

  const int epoll_;
  const int wakeup_;  // Readable when the thread shall end.

  Mutex mutex_;
  std::map<Ticket, Watched> watched_ ABSL_GUARDED_BY(mutex_);
  Ticket last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  bool all_gone_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it starts after, and ends before, everything it uses.
  std::jthread thread_;
};

}  // namespace upscaler
