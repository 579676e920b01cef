// How it went with one picture, and how that is told: to people in words, to programs as
// a line of JSON.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <nlohmann/json.hpp>

#include "client/cli/exit_code.h"
#include "client/cli/upscale_plan.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

struct FileResult {
  enum class Outcome { kDone, kSkipped, kFailed, kEstimated, kInterrupted };

  Outcome outcome = Outcome::kDone;
  FileTask task{};
  v1::UpscaleResponse response{};                         // Without bytes; where it is done.
  std::vector<std::size_t> bytes{};                       // Of the files, likewise.
  std::optional<v1::EstimateUpscaleResponse> estimate{};  // Where it is estimated.
  // Likewise, upright; none of latents, whose picture's size only the server knows.
  std::optional<v1::ImageSize> input_size{};
  absl::Status error{};           // Where it failed.
  ExitCode code = ExitCode::kOk;  // What it alone would end with.
};

// The result of `task`, which a file, the server or the way there has failed. The error
// says what is wrong in words that name `server` where that is of use.
FileResult FileFailed(FileTask task, absl::Status error);
FileResult CallFailed(FileTask task, absl::Status error, const std::string& server);

// The result of `task` where the server was given up, which `error` explains in full.
FileResult ServerGone(FileTask task, absl::Status error);

// Lines for people, without a line's end: warnings, then what was written or what went
// wrong. Only what went wrong if `quiet`.
std::vector<std::string> InWords(const FileResult& result, bool quiet);

nlohmann::ordered_json InJson(const FileResult& result);

}  // namespace upscaler
