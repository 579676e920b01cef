// Pictures as files: where the command line's bytes come from and go to.

#pragma once

#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// The bytes of the file at `path`, or of `standard_input` if `path` is "-".
absl::StatusOr<std::string> ReadPicture(const std::string& path, std::istream& standard_input);

// Writes `bytes` to `path`, or to `standard_output` if `path` is "-". A file
// appears whole or not at all: the bytes go to a temporary file beside it, which
// then takes its name, and the mode of the file that it replaces.
absl::Status WritePicture(const std::string& path, std::string_view bytes,
                          std::ostream& standard_output);

// Whether the folder of `path` exists, so that a mistyped name is told before
// minutes of work and not after.
absl::Status CheckFolderOf(const std::string& path);

// The name of picture `number`: "out/cat.png" and 2 give "out/cat-2.png".
std::string NumberedPath(const std::string& path, int number);

// The format that the suffix of `path` names, in either case, or nothing.
std::optional<v1::ImageFormat> FormatOfPath(const std::string& path);

}  // namespace upscaler
