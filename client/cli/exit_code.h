// How `upscale` ends, for scripts.

#pragma once

namespace upscaler {

enum class ExitCode {
  kOk = 0,             // Every picture is written, or was there already.
  kFailed = 1,         // The server refused a request or failed.
  kUsage = 2,          // The command line makes no sense.
  kFile = 3,           // A file cannot be read or written.
  kUnreachable = 4,    // There is no server at the address.
  kInterrupted = 130,  // The user ended it: 128 and the number of SIGINT, as in shells.
};

}  // namespace upscaler
