// What is known of the servers behind the gateway: whether one of them takes work, and what
// they serve.
//
// REST names the model in its answers and checks the one that clients name, and must not
// wait for a server while it does. So the servers are asked beforehand, again and again, and
// each by itself: asked all together, the name would be that of whoever happens to answer.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/mutex.h"
#include "common/ticker.h"
#include "gateway/backends.h"
#include "telemetry/log.h"

namespace upscaler {

// Thread-safe.
class BackendWatch {
 public:
  // How often it asks. What a server that has just become ready serves is known with at
  // most this delay.
  static constexpr std::chrono::milliseconds kInterval{500};

  // Asks `backends` from now on, with `api_key` unless it is empty. What changes is logged.
  // What is passed by reference must outlive the watch.
  BackendWatch(const Backends& backends, std::string api_key, Logger& logger,
               std::chrono::milliseconds interval = kInterval);

  BackendWatch(const BackendWatch&) = delete;
  BackendWatch& operator=(const BackendWatch&) = delete;

  // Whether a server takes work.
  bool ready() const;

  // What clients call the model; empty until a server has said it. Where servers differ, it
  // stays what it is as long as one of them serves that, and is that of the first one in the
  // list otherwise. Upscales go to any of them all the same.
  std::string model() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Look() ABSL_LOCKS_EXCLUDED(mutex_);
  // Asks the servers that are ready, and notes what they serve.
  void Ask();
  // The names that are served, each once, in the order of the list.
  std::vector<std::string> Served() const;
  void TellReady();
  void TellProblem(const absl::Status& problem);
  void TellDifference(const std::vector<std::string>& served);
  // True where the model is another one than before.
  bool Choose(const std::vector<std::string>& served) ABSL_LOCKS_EXCLUDED(mutex_);

  const Backends& backends_;
  const std::string api_key_;
  Logger& logger_;
  // Used by the ticker alone: what each server serves, or empty; what was logged last, if
  // anything was.
  std::vector<std::string> models_;
  std::optional<bool> told_ready_;
  std::string told_problem_;
  std::string told_difference_;

  mutable Mutex mutex_;
  std::string model_ ABSL_GUARDED_BY(mutex_);

  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace upscaler
