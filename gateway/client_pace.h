// Ends connections whose clients are too slow.
//
// Whatever a client has sent in part, or has not taken yet, is held in memory for it. One
// that moves a byte a minute looks busy to libmicrohttpd, and would hold it for days. So
// there is a pace, the same for what comes and for what goes.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

#include <absl/base/thread_annotations.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/ticker.h"

namespace upscaler {

// Thread-safe.
class ClientPace {
 public:
  // Of what is held for a client it has to move this part within the timeout, and no less
  // than so many bytes. The part is what makes it end: 31 MiB that came quickly are not kept
  // for a client that trickles the last one.
  static constexpr std::size_t kLeastBytes = std::size_t{64} << 10;
  static constexpr std::size_t kPart = 32;

  // `clock` must outlive the watch.
  ClientPace(const Clock& clock, std::chrono::milliseconds timeout);

  ClientPace(const ClientPace&) = delete;
  ClientPace& operator=(const ClientPace&) = delete;

  // What one connection is called here.
  using Ticket = std::uint64_t;

  // Watches `socket`, whose client is to do something from now on, until Remove, which must
  // come before the socket is closed. A connection that is ended is shut down: whoever reads
  // from it or writes to it finds the end.
  Ticket Add(int socket) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(Ticket ticket) ABSL_LOCKS_EXCLUDED(mutex_);

  // The client is to do something new, and has the whole timeout for it.
  void Expect(Ticket ticket) ABSL_LOCKS_EXCLUDED(mutex_);
  // `bytes` have come from the client or gone to it, for whom `held` bytes are kept now.
  // Where nothing was expected, something is from now on.
  void Move(Ticket ticket, std::size_t bytes, std::size_t held) ABSL_LOCKS_EXCLUDED(mutex_);
  // Nothing is to be done by the client: it may wait as long as it likes.
  void Rest(Ticket ticket) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Watched {
    int socket = -1;
    bool resting = false;
    TimePoint since{};            // When the pace was kept last.
    std::size_t moved_bytes = 0;  // After that.
  };

  void Look() ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock& clock_;
  const std::chrono::milliseconds timeout_;

  Mutex mutex_;
  std::map<Ticket, Watched> watched_ ABSL_GUARDED_BY(mutex_);
  Ticket last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;

  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace upscaler
