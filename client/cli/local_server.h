// A server for one command alone: started for it, and gone with it.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

#include "common/clock.h"
#include "common/mutex.h"

namespace upscaler {

// The server's program that belongs to this one: that beside it, or else the one on the
// PATH.
std::string FindServerProgram();

// Thread-safe.
class LocalServer {
 public:
  struct Options {
    std::string program{};  // A path, or a name on the PATH.
    std::string model{};    // Its folder; empty: the server's own default.
    // Until it is ready; none: as long as it takes.
    std::optional<std::chrono::milliseconds> timeout{};
  };

  // Starts the server on free ports of the loopback, without the UPSCALER_... variables of
  // this process, and waits until it says that it is ready. kUnavailable when it cannot be
  // started, ends before that or is not ready in time, with what it said last; kCancelled
  // when `stop` asks for an end.
  //
  // The server ends with the thread that calls this, even where that is killed, so this
  // is to be called on the thread that lives longest.
  static absl::StatusOr<std::unique_ptr<LocalServer>> Start(const Options& options,
                                                            const Clock& clock,
                                                            const std::stop_token& stop);

  // Asks the server to end, and waits for that.
  ~LocalServer();

  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  // "127.0.0.1:port"
  const std::string& target() const { return target_; }

  // Asked to stop when the server has ended by itself, however it came to that.
  std::stop_token ended() const { return ended_.get_token(); }

  // kUnavailable: how it ended, with what it said last. Requires that it has.
  absl::Status End() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  LocalServer(pid_t process, int log);

  absl::Status AwaitReady(TimePoint give_up_at, const std::stop_token& stop)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadLog() ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeLine(std::string line) ABSL_LOCKS_EXCLUDED(mutex_);
  std::string LastWords() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pid_t process_;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> log_;
  std::string target_;
  std::stop_source ended_;

  Mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::uint16_t> port_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> last_lines_ ABSL_GUARDED_BY(mutex_);
  bool log_ended_ ABSL_GUARDED_BY(mutex_) = false;

  // Reads on when the server is ready: a log that nobody reads stops the writer. Last, so
  // that it starts after, and ends before, everything it uses.
  std::jthread reader_;
};

}  // namespace upscaler
