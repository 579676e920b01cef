// Which file becomes which, known before the first one is read: mistakes in a command
// line are told before hours of work and not after.

#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/cli/command_line.h"
#include "client/cli/input_files.h"
#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// One picture's way.
struct FileTask {
  std::string input;  // A path, or "-" for standard input.
  // Paths, one a version, or "-" for standard output.
  std::vector<std::string> outputs{};
  // The folder of the outputs is made where it is missing.
  bool make_folder = false;
};

struct UpscalePlan {
  v1::UpscaleSpec spec{};  // Of all, with the format that the outputs' names tell.
  std::vector<FileTask> tasks{};
  std::vector<InputError> errors{};  // What cannot be read, or not be written.
};

// Looks at the file system, and changes nothing. kInvalidArgument where the command line
// makes no sense: two pictures would have one output, say.
absl::StatusOr<UpscalePlan> MakePlan(const CommandLine& line);

}  // namespace upscaler
