#include "client/cli/file_result.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "client/image_format.h"
#include "client/image_size.h"
#include "client/timings.h"
#include "common/error_details.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = FileResult::Outcome;

constexpr double kMebibyte = 1 << 20;

std::string OutputOf(const v1::UpscaleResponse& response, const FileTask& task, int index) {
  const auto at = static_cast<std::size_t>(index);
  return at < task.outputs.size() && index < response.images_size() ? task.outputs[at] : "";
}

std::string EstimateInWords(const FileResult& result) {
  const v1::EstimateUpscaleResponse& estimate = *result.estimate;
  const std::string input =
      result.input_size.has_value() ? SizeName(*result.input_size) : "latents";
  std::string text = fmt::format("{}: {} -> {}, {}, {:.0f} MiB of device memory", result.task.input,
                                 input, SizeName(estimate.output_size()), result.task.outputs[0],
                                 static_cast<double>(estimate.device_memory_bytes()) / kMebibyte);
  if (estimate.tile_count() > 1) text += fmt::format(", in {} parts", estimate.tile_count());
  if (estimate.has_work()) text += fmt::format(", {:.1f} s of work", ToSeconds(estimate.work()));
  if (estimate.has_eta()) {
    text += fmt::format(", done {:.1f} s from now", ToSeconds(estimate.eta()));
  }
  return text;
}

Json PicturesInJson(const FileResult& result) {
  auto pictures = Json::array();
  for (int i = 0; i < result.response.images_size(); ++i) {
    const v1::UpscaledImage& image = result.response.images(i);
    pictures.push_back({{"file", OutputOf(result.response, result.task, i)},
                        {"format", image.has_latents() ? "npy" : FormatName(image.format())},
                        {"width", image.size().width()},
                        {"height", image.size().height()},
                        {"bytes", result.bytes[static_cast<std::size_t>(i)]},
                        {"seed", image.seed()}});
  }
  return pictures;
}

void AddEstimate(Json& json, const FileResult& result) {
  const v1::EstimateUpscaleResponse& estimate = *result.estimate;
  if (result.input_size.has_value()) {
    json["width"] = result.input_size->width();
    json["height"] = result.input_size->height();
  }
  json["output_width"] = estimate.output_size().width();
  json["output_height"] = estimate.output_size().height();
  json["tiles"] = estimate.tile_count();
  json["device_memory_bytes"] = estimate.device_memory_bytes();
  json["host_memory_bytes"] = estimate.host_memory_bytes();
  if (estimate.has_work()) json["work_seconds"] = ToSeconds(estimate.work());
  if (estimate.has_eta()) json["eta_seconds"] = ToSeconds(estimate.eta());
}

// A file's error has no code of the server's.
std::string CodeName(const FileResult& result) {
  return result.code == ExitCode::kFile ? "FILE" : absl::StatusCodeToString(result.error.code());
}

const char* OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kSkipped:
      return "skipped";
    case Outcome::kEstimated:
      return "estimated";
    default:
      return "failed";
  }
}

absl::Status WithMessage(const absl::Status& status, const std::string& message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload(
      [&](absl::string_view key, const absl::Cord& value) { changed.SetPayload(key, value); });
  return changed;
}

}  // namespace

FileResult FileFailed(FileTask task, absl::Status error) {
  return {.outcome = Outcome::kFailed,
          .task = std::move(task),
          .error = std::move(error),
          .code = ExitCode::kFile};
}

FileResult CallFailed(FileTask task, absl::Status error, const std::string& server) {
  FileResult result{
      .outcome = Outcome::kFailed, .task = std::move(task), .code = ExitCode::kFailed};
  std::string message(error.message());
  // A server gives each of its errors a reason; one without comes from the way to it.
  if (absl::IsUnavailable(error) && !ReasonOf(error).has_value()) {
    result.code = ExitCode::kUnreachable;
    message = fmt::format("cannot reach the server at {}: {}", server, message);
  } else if (const auto delay = RetryAfterOf(error)) {
    message +=
        fmt::format("; try again in {} s", std::chrono::ceil<std::chrono::seconds>(*delay).count());
  }
  result.error = WithMessage(error, message);
  return result;
}

FileResult ServerGone(FileTask task, absl::Status error) {
  return {.outcome = Outcome::kFailed,
          .task = std::move(task),
          .error = std::move(error),
          .code = ExitCode::kUnreachable};
}

std::vector<std::string> InWords(const FileResult& result, bool quiet) {
  std::vector<std::string> lines;
  if (result.outcome == Outcome::kFailed) {
    const std::string message(result.error.message());
    // A file's error names the file itself.
    lines.push_back(result.code == ExitCode::kFile
                        ? fmt::format("upscale: {}", message)
                        : fmt::format("upscale: {}: {}", result.task.input, message));
  }
  if (quiet) return lines;
  if (result.outcome == Outcome::kEstimated) lines.push_back(EstimateInWords(result));
  if (result.outcome == Outcome::kSkipped) {
    lines.push_back(
        fmt::format("{}: skipped, {} exists", result.task.input, result.task.outputs[0]));
  }
  for (const std::string& warning : result.response.warnings()) {
    lines.push_back(fmt::format("upscale: warning: {}: {}", result.task.input, warning));
  }
  for (int i = 0; i < result.response.images_size(); ++i) {
    const v1::UpscaledImage& image = result.response.images(i);
    lines.push_back(fmt::format("{}: {}, seed {}", OutputOf(result.response, result.task, i),
                                SizeName(image.size()), image.seed()));
  }
  return lines;
}

nlohmann::ordered_json InJson(const FileResult& result) {
  const FileTask& task = result.task;
  Json json = {{"file", task.input},
               {"output", task.outputs.empty() ? Json() : Json(task.outputs[0])},
               {"status", OutcomeName(result.outcome)}};
  if (result.outcome == Outcome::kDone) {
    json["pictures"] = PicturesInJson(result);
    json["timings"] = TimingsInSeconds(result.response.timings());
    json["warnings"] = Json::array();
    for (const std::string& warning : result.response.warnings()) {
      json["warnings"].push_back(warning);
    }
  }
  if (result.estimate.has_value()) AddEstimate(json, result);
  if (result.outcome == Outcome::kFailed) {
    const auto reason = ReasonOf(result.error);
    json["error"] = {{"code", CodeName(result)},
                     {"reason", reason.has_value() ? Json(*reason) : Json()},
                     {"message", std::string(result.error.message())}};
  }
  return json;
}

}  // namespace upscaler
