// What the user typed after `upscale`.

#pragma once

#include <chrono>
#include <optional>
#include <ostream>
#include <string>
#include <variant>

#include "client/cli/exit_code.h"
#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

struct CommandLine {
  std::string input;   // A path, or "-" for standard input.
  std::string output;  // A path, or "-" for standard output.
  std::string server;  // "host:port".
  v1::UpscaleSpec spec;
  std::optional<std::chrono::milliseconds> timeout;
  bool quiet = false;
  bool json = false;
};

// Reads the command line, and the environment for what it leaves out. Answers
// --help and --version on `out` and mistakes on `err`: the result is then the
// code with which to exit.
std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, const char* const* argv,
                                                     std::ostream& out, std::ostream& err);

}  // namespace upscaler
