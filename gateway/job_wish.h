// Whether an upscale is to be done as a job, by the headers Prefer (RFC 7240) and
// Idempotency-Key.

#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "gateway/http_message.h"

namespace upscaler {

struct JobWish {
  bool respond_async = false;  // The answer is the job, and not what comes of it.
  // What the client calls the job, so that it is not done twice. Empty: it does not.
  std::string key{};

  // Whether there is to be a job at all.
  bool any() const { return respond_async || !key.empty(); }
};

// kInvalidArgument, naming Idempotency-Key, where that is given and is not 1 to 128
// characters of ASCII that can be seen, or is given twice.
absl::StatusOr<JobWish> ReadJobWish(const HttpHeaders& headers);

}  // namespace upscaler
