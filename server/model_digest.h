// Which model this is, by its files' contents: names can be anything.

#pragma once

#include <filesystem>
#include <string>
#include <thread>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"

namespace upscaler {

// SHA-256 over the files below `folder`, hidden ones left out, in the order of their paths:
// of each its path from there, its size in bytes in decimal, each ended by a NUL, and its
// contents. "sha256:" and 64 hexadecimal digits. kCancelled when `stop` asks for it,
// kFailedPrecondition naming a file that cannot be read. Blocks: seconds for gigabytes.
absl::StatusOr<std::string> DigestOf(const std::filesystem::path& folder,
                                     const std::stop_token& stop);

// The digest of one folder, computed on a thread of its own. value() is thread-safe.
class ModelDigest {
 public:
  explicit ModelDigest(std::filesystem::path folder);
  ModelDigest(const ModelDigest&) = delete;
  ModelDigest& operator=(const ModelDigest&) = delete;

  // Empty until it is computed, and where it cannot be.
  std::string value() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  std::string value_ ABSL_GUARDED_BY(mutex_);

  std::jthread thread_;  // Last: it uses the others.
};

}  // namespace upscaler
