// What is known of the servers behind the gateway: whether one of them takes work, and what
// they serve.
//
// REST names the model in its answers and checks the one that clients name, and must not
// wait for a server while it does. So the servers are asked beforehand, again and again.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <grpcpp/channel.h>

#include "common/mutex.h"
#include "common/ticker.h"
#include "telemetry/log.h"

namespace upscaler {

// Thread-safe.
class BackendWatch {
 public:
  // How often it asks. What a server that has just become ready serves is known with at
  // most this delay.
  static constexpr std::chrono::milliseconds kInterval{500};

  // Asks over `channel` from now on, with `api_key` unless it is empty. What changes is
  // logged. `logger` must outlive the watch.
  BackendWatch(std::shared_ptr<grpc::Channel> channel, std::string api_key, Logger& logger,
               std::chrono::milliseconds interval = kInterval);

  BackendWatch(const BackendWatch&) = delete;
  BackendWatch& operator=(const BackendWatch&) = delete;

  // Whether a server takes work.
  bool ready() const;

  // What clients call the model; empty until a server has said it.
  std::string model() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Look() ABSL_LOCKS_EXCLUDED(mutex_);
  void TellReady();
  void TellProblem(const absl::Status& problem);
  // True where the model is another one than before.
  bool Keep(const std::string& model) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string api_key_;
  Logger& logger_;
  // Used by the ticker alone: what was logged last, if anything was.
  std::optional<bool> told_ready_;
  std::string told_problem_;

  mutable Mutex mutex_;
  std::string model_ ABSL_GUARDED_BY(mutex_);

  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace upscaler
