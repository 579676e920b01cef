#include "client/cli/upscale_command.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/channel.h"
#include "client/cli/picture_file.h"
#include "client/cli/progress_display.h"
#include "client/image_format.h"
#include "client/timings.h"
#include "client/upscale.h"
#include "common/error_details.h"

namespace upscaler {
namespace {

ExitCode Report(std::ostream& err, ExitCode code, std::string_view message) {
  err << "upscale: " << message << "\n";
  return code;
}

ExitCode ReportFileError(std::ostream& err, const absl::Status& status) {
  const std::string message(status.message());
  return Report(err, ExitCode::kFile, message);
}

// A server gives each of its errors a reason; one without comes from the way to
// it.
ExitCode ReportCallError(std::ostream& err, const std::string& server, const absl::Status& status) {
  const std::string message(status.message());
  if (absl::IsUnavailable(status) && !ReasonOf(status).has_value()) {
    return Report(err, ExitCode::kUnreachable,
                  fmt::format("cannot reach the server at {}: {}", server, message));
  }
  if (const auto delay = RetryAfterOf(status)) {
    return Report(err, ExitCode::kFailed,
                  fmt::format("{}; try again in {} s", message, (delay->count() + 999) / 1000));
  }
  return Report(err, ExitCode::kFailed, message);
}

std::vector<std::string> OutputPaths(const CommandLine& line, int pictures) {
  if (pictures == 1) return {line.output};
  std::vector<std::string> paths;
  for (int i = 1; i <= pictures; ++i) paths.push_back(NumberedPath(line.output, i));
  return paths;
}

nlohmann::ordered_json DescribeResult(const v1::UpscaleResponse& response,
                                      const std::vector<std::string>& paths) {
  auto pictures = nlohmann::ordered_json::array();
  for (int i = 0; i < response.images_size(); ++i) {
    const v1::UpscaledImage& image = response.images(i);
    pictures.push_back({{"file", paths[static_cast<std::size_t>(i)]},
                        {"format", FormatName(image.format())},
                        {"width", image.size().width()},
                        {"height", image.size().height()},
                        {"bytes", image.data().size()},
                        {"seed", image.seed()}});
  }
  auto warnings = nlohmann::ordered_json::array();
  for (const std::string& warning : response.warnings()) warnings.push_back(warning);
  return {{"pictures", std::move(pictures)},
          {"timings", TimingsInSeconds(response.timings())},
          {"warnings", std::move(warnings)}};
}

void ReportResult(const CommandLine& line, const v1::UpscaleResponse& response,
                  const std::vector<std::string>& paths, Console& console) {
  if (line.json) {
    using Json = nlohmann::ordered_json;
    console.out
        << DescribeResult(response, paths).dump(-1, ' ', false, Json::error_handler_t::replace)
        << std::endl;
  }
  if (line.quiet) return;
  for (const std::string& warning : response.warnings()) {
    console.err << "upscale: warning: " << warning << "\n";
  }
  for (int i = 0; i < response.images_size(); ++i) {
    const v1::UpscaledImage& image = response.images(i);
    console.err << fmt::format("{}: {}x{}, seed {}\n", paths[static_cast<std::size_t>(i)],
                               image.size().width(), image.size().height(), image.seed());
  }
}

}  // namespace

ExitCode RunUpscale(const CommandLine& line, Console console) {
  if (absl::Status status = CheckFolderOf(line.output); !status.ok()) {
    return ReportFileError(console.err, status);
  }
  absl::StatusOr<std::string> picture = ReadPicture(line.input, console.in);
  if (!picture.ok()) return ReportFileError(console.err, picture.status());

  std::optional<ProgressDisplay> progress;
  if (!line.quiet) progress.emplace(console.err, console.err_is_terminal);
  const absl::StatusOr<v1::UpscaleResponse> response =
      Upscale(MakeChannel(line.server),
              {.spec = line.spec, .image = *std::move(picture), .timeout = line.timeout},
              [&progress](const v1::UpscaleStreamResponse& event) {
                if (progress.has_value()) progress->Show(event);
              });
  progress.reset();
  if (!response.ok()) return ReportCallError(console.err, line.server, response.status());

  const std::vector<std::string> paths = OutputPaths(line, response->images_size());
  for (int i = 0; i < response->images_size(); ++i) {
    const std::string& path = paths[static_cast<std::size_t>(i)];
    if (absl::Status status = WritePicture(path, response->images(i).data(), console.out);
        !status.ok()) {
      return ReportFileError(console.err, status);
    }
  }
  ReportResult(line, *response, paths, console);
  return ExitCode::kOk;
}

}  // namespace upscaler
