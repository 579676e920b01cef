// What the user typed after `upscale`.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "client/channel.h"
#include "client/cli/exit_code.h"
#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// For how long to try again where the user says nothing.
inline constexpr std::chrono::minutes kRetryFor{10};

struct CommandLine {
  // Files, folders, patterns of glob(7), or "-" for standard input.
  std::vector<std::string> inputs{};
  // A file, a folder, "-" for standard output, or empty: beside each input.
  std::string output{};
  bool recursive = false;
  // Ends the names of outputs that are named after inputs; tells the scale unless given.
  std::string suffix = "-2x";
  bool skip_existing = false;
  bool overwrite_input = false;  // An output may take the place of its own input.
  bool fail_fast = false;
  bool dry_run = false;
  std::size_t jobs = 2;  // Requests at a time.

  ChannelOptions server{};
  std::string api_key{};  // Empty: none.
  // Start a server for this command alone; `server` does not count then.
  bool local = false;
  std::string model{};  // The local server's; empty: its own default.

  // The output format is unspecified where the output's name is to tell it.
  v1::UpscaleSpec spec{};
  // Of .npy files; unspecified: there are to be none.
  v1::LatentsFamily latents_family = v1::LATENTS_FAMILY_UNSPECIFIED;
  std::optional<std::chrono::milliseconds> timeout{};  // For each picture.
  // For how long to try again; none: the user said nothing, and a server that cannot be
  // reached at the start is not waited for.
  std::optional<std::chrono::milliseconds> retry_for{};
  std::chrono::milliseconds retry_delay{500};  // The first and least; no option sets it.

  bool quiet = false;
  bool json = false;
};

// Reads the command line, and the environment for what it leaves out. Answers
// --help and --version on `out` and mistakes on `err`: the result is then the
// code with which to exit.
std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, const char* const* argv,
                                                     std::ostream& out, std::ostream& err);

}  // namespace upscaler
