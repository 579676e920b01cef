// The program `upscale`. What it does is in upscale_command.h, what it can be
// told in command_line.h.

#include <iostream>
#include <variant>

#include <unistd.h>

#include "client/cli/command_line.h"
#include "client/cli/upscale_command.h"

int main(int argc, char** argv) {
  const auto parsed = upscaler::ParseCommandLine(argc, argv, std::cout, std::cerr);
  if (const auto* code = std::get_if<upscaler::ExitCode>(&parsed)) return static_cast<int>(*code);
  const upscaler::ExitCode code = upscaler::RunUpscale(
      std::get<upscaler::CommandLine>(parsed), {.in = std::cin,
                                                .out = std::cout,
                                                .err = std::cerr,
                                                .err_is_terminal = ::isatty(STDERR_FILENO) == 1});
  return static_cast<int>(code);
}
