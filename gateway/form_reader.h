// Reads the body of a request into fields, while it comes in.

#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "gateway/http_message.h"
#include "gateway/upscale_form.h"

namespace upscaler {

// Not thread-safe.
class FormReader {
 public:
  virtual ~FormReader() = default;

  // Takes the next part of the body. kInvalidArgument when it cannot be read;
  // the rest of the body is of no use then.
  virtual absl::Status Read(std::string_view part) = 0;

  // All fields, once the body is complete. kInvalidArgument when it ends early.
  // At most one call.
  virtual absl::StatusOr<std::vector<FormField>> Finish() = 0;
};

// As reader.Read; OutOfMemory where there is none for what has come: an exception that leaves
// the server's thread would cost the process.
absl::Status ReadWithinMemory(FormReader& reader, std::string_view part);

// The reader for the request's Content-Type: multipart/form-data or
// application/json. Null for any other.
std::unique_ptr<FormReader> MakeFormReader(const HttpRequest& request);

}  // namespace upscaler
