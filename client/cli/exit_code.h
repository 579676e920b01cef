// How `upscale` ends, for scripts.

#pragma once

namespace upscaler {

enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // The server refused the request or failed.
  kUsage = 2,        // The command line makes no sense.
  kFile = 3,         // A file cannot be read or written.
  kUnreachable = 4,  // There is no server at the address.
};

}  // namespace upscaler
