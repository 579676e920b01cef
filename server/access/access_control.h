// Whether a call may be made, and by whom: the one thing that the doors ask.
//
// Without a keys file everybody may call, without bounds of their own.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/access/api_keys.h"
#include "server/access/key_file_watch.h"
#include "server/access/quota.h"

namespace upscaler {

// A call's place among those that its caller may have open, until this ends. Movable, not
// copyable. Not thread-safe: who makes the call owns it.
class AccessPass {
 public:
  // Of nobody in particular.
  AccessPass() = default;
  ~AccessPass();
  AccessPass(AccessPass&& other) noexcept;
  AccessPass& operator=(AccessPass&& other) noexcept;

  // The name of the caller's key; empty where there are no keys.
  const std::string& caller() const { return caller_; }

 private:
  friend class AccessControl;
  AccessPass(std::string caller, QuotaUse& use);

  std::string caller_;
  QuotaUse* use_ = nullptr;  // Where the place is given back; null when none was taken.
};

struct AccessOptions {
  std::string keys_file{};  // See api_keys.h.
  Quota default_quota{};    // Of keys that have none of their own.
  // How soon a change of the file is noticed.
  std::chrono::milliseconds watch_interval{1'000};
  // Called on a thread of its own when the file has changed: how many keys there are, or why
  // the old ones stay. May be empty.
  std::function<void(const absl::StatusOr<std::size_t>&)> on_reload{};
};

// Thread-safe. Outlives its passes.
class AccessControl {
 public:
  // Lets everybody in. `clock` must outlive it, here and below.
  explicit AccessControl(const Clock& clock);
  ~AccessControl();

  // Lets those in who have a key in the file, and follows its changes; a change that is not
  // well-formed is told of and ignored. Without a file, as the constructor.
  // kFailedPrecondition when the file is not well-formed, or cannot be read.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Open(AccessOptions options,
                                                             const Clock& clock);

  // Lets a call in that brought `key`, if any, and counts it. The pass is kept until the call
  // has ended. kUnauthenticated with the reason API_KEY_MISSING or API_KEY_UNKNOWN;
  // kResourceExhausted as QuotaUse::Enter says.
  absl::StatusOr<AccessPass> Enter(std::optional<std::string_view> key) ABSL_LOCKS_EXCLUDED(mutex_);

  // Who calls, for calls that cost next to nothing: nothing is counted. kUnauthenticated as
  // above.
  absl::StatusOr<std::string> Identify(std::optional<std::string_view> key) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Caller {
    std::string name{};
    Quota quota{};
  };

  AccessControl(AccessOptions options, KeyFile file, ApiKeys keys, const Clock& clock);

  // Nothing where there are no keys.
  absl::StatusOr<std::optional<Caller>> Find(std::optional<std::string_view> key) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeUp(absl::StatusOr<ApiKeys> keys) ABSL_LOCKS_EXCLUDED(mutex_);

  const AccessOptions options_;
  QuotaUse use_;

  mutable Mutex mutex_;
  // Shared with the look-ups that go on while the keys are replaced. Null without keys.
  std::shared_ptr<const ApiKeys> keys_ ABSL_GUARDED_BY(mutex_);

  // Last, so that its thread ends first. None without a file.
  std::optional<KeyFileWatch> watch_;
};

}  // namespace upscaler
