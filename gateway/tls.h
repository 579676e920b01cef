// TLS for REST: who the gateway is, and whom it serves.
//
// libmicrohttpd speaks TLS by GnuTLS, and reads certificates once. Certificates are renewed
// while servers run, so it asks here, at each handshake, and here the files are read again.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "common/ticker.h"
#include "common/tls_files.h"

struct MHD_Connection;
struct MHD_OptionItem;

namespace upscaler {

// Thread-safe.
class Tls {
 public:
  struct Options {
    TlsFiles files{};  // There is a certificate among them.
    // How often the files are read again. Connections that are open keep what they have.
    std::chrono::milliseconds refresh{60'000};
    // Called on a thread of its own with each reading that finds the files changed; where
    // they are wrong, what was good goes on. May be null.
    std::function<void(const absl::Status&)> on_reload{};
  };

  // kFailedPrecondition as CheckTlsFiles.
  static absl::StatusOr<std::unique_ptr<const Tls>> Open(Options options);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // What libmicrohttpd needs to hear at its start, ended. Its daemon must not outlive this,
  // and has to keep a ConnectionContext that names this with each connection: GnuTLS tells a
  // handshake no more than the connection.
  const MHD_OptionItem* daemon_options() const;

  // Whether the client may be served: it has shown a certificate that the client CA vouches
  // for, or needs none. On the daemon's thread, while it handles a request of that
  // connection.
  bool Admits(MHD_Connection* connection) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Loaded;
  struct Callbacks;  // What libmicrohttpd and GnuTLS call.
  struct Daemon;

  Tls(Options options, std::shared_ptr<const Loaded> loaded);

  static absl::StatusOr<std::shared_ptr<const Loaded>> Load(const TlsFiles& files);
  void Refresh() ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<const Loaded> loaded() const ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  std::unique_ptr<const Daemon> daemon_;
  std::string told_;  // What the last reading found wrong. The ticker's alone.

  mutable Mutex mutex_;
  // Shared with handshakes and requests, which may be at it when it is replaced.
  std::shared_ptr<const Loaded> loaded_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<Ticker> ticker_;  // Last: it uses the others.
};

}  // namespace upscaler
