// What `upscale` does: read, ask the server, write, report.

#pragma once

#include <istream>
#include <ostream>

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
// wrong.
ExitCode RunUpscale(const CommandLine& line, Console console);

}  // namespace upscaler
