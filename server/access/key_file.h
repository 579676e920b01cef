// The keys file on the disk, read again when it has changed.
//
// Contents are compared, by digest, not the file's time: the file is small, and neither a
// clock's grain nor a renamed file nor a mounted secret's symbolic link can hide a change.

#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "server/access/api_keys.h"
#include "server/access/key_digest.h"

namespace upscaler {

// Not thread-safe.
class KeyFile {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  explicit KeyFile(std::string path);

  // The keys, or what is wrong with the file: kFailedPrecondition, naming it. Nothing when it
  // is, or is wrong, as it was at the last reading.
  std::optional<absl::StatusOr<ApiKeys>> ReadIfChanged();

 private:
  const std::string path_;
  bool read_ = false;                // Ever.
  std::optional<KeyDigest> digest_;  // Of what was last read; none of a file that was not.
};

}  // namespace upscaler
