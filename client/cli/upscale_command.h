// What `upscale` does: find the pictures and the server, do the work, sum it up.

#pragma once

#include <istream>
#include <ostream>
#include <stop_token>

#include "client/cli/command_line.h"
#include "client/cli/exit_code.h"

namespace upscaler {

// Where the program reads and writes beside files.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;
};

// Does what `line` says. Blocks until it is done; says on `console.err` what goes
// wrong. When `stop` asks for it, calls are cancelled, no file is left half written, and
// the result is kInterrupted.
ExitCode RunUpscale(CommandLine line, Console console, const std::stop_token& stop = {});

}  // namespace upscaler
