// The program `upscale`. What it does is in upscale_command.h, what it can be
// told in command_line.h.

#include <algorithm>
#include <iostream>
#include <sstream>
#include <utility>
#include <variant>

#include <unistd.h>

#include "client/cli/command_line.h"
#include "client/cli/interrupt_signals.h"
#include "client/cli/standard_streams.h"
#include "client/cli/upscale_command.h"

int main(int argc, char** argv) {
  upscaler::HoldStandardStreams();
  auto parsed = upscaler::ParseCommandLine(argc, argv, std::cout, std::cerr);
  if (const auto* code = std::get_if<upscaler::ExitCode>(&parsed)) return static_cast<int>(*code);
  auto& line = std::get<upscaler::CommandLine>(parsed);
  // Read before signals are held back: Ctrl-C ends a program that waits for input.
  std::stringstream input;
  if (std::ranges::find(line.inputs, "-") != line.inputs.end()) input << std::cin.rdbuf();
  const upscaler::InterruptSignals signals;  // Before there are other threads.
  const upscaler::ExitCode code =
      upscaler::RunUpscale(std::move(line),
                           {.in = input,
                            .out = std::cout,
                            .err = std::cerr,
                            .err_is_terminal = ::isatty(STDERR_FILENO) == 1},
                           signals.stop_token());
  return static_cast<int>(code);
}
