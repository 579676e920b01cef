#include "client/cli/upscale_file.h"

#include <filesystem>
#include <future>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "client/ask_server.h"
#include "client/cli/input_files.h"
#include "client/cli/npy_file.h"
#include "client/cli/picture_file.h"
#include "client/cli/picture_size.h"
#include "client/retrying_upscale.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

using Outcome = FileResult::Outcome;

constexpr std::chrono::seconds kQuestionTimeout{30};

// What is sent of an input.
struct Input {
  std::string bytes;
  std::optional<v1::LatentsInfo> latents;  // None: a picture.
};

absl::StatusOr<Input> ReadInput(const FileTask& task, const FileWork& work) {
  UPSCALER_ASSIGN_OR_RETURN(std::string bytes, ReadPicture(task.input, work.in));
  if (!IsNpy(task.input)) return Input{.bytes = std::move(bytes), .latents = std::nullopt};
  absl::StatusOr<NpyTensor> tensor = ReadNpy(bytes);
  if (!tensor.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("cannot read {}: {}", task.input, std::string(tensor.status().message())));
  }
  tensor->info.set_family(work.line.latents_family);
  return Input{.bytes = std::move(tensor->numbers), .latents = std::move(tensor->info)};
}

absl::Status MakeFolder(const FileTask& task) {
  const fs::path folder = fs::path(task.outputs[0]).parent_path();
  std::error_code error;
  if (!task.make_folder || folder.empty()) return absl::OkStatus();
  fs::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnknownError(
      fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
}

RetryOptions RetriesOf(const CommandLine& line) {
  const std::chrono::milliseconds retry_for = line.retry_for.value_or(kRetryFor);
  if (retry_for.count() == 0) return kNoRetries;
  return {
      .max_attempts = std::nullopt, .give_up_after = retry_for, .first_delay = line.retry_delay};
}

absl::StatusOr<v1::UpscaleResponse> Ask(const FileTask& task, Input input, const FileWork& work) {
  std::promise<absl::StatusOr<v1::UpscaleResponse>> answer;
  std::future<absl::StatusOr<v1::UpscaleResponse>> answered = answer.get_future();
  const auto upscale = RetryingUpscale::Create(RetriesOf(work.line), work.clock);
  const std::stop_callback on_stop(work.stop, [&upscale] { upscale->Cancel(); });
  const std::stop_callback on_gone(work.server.given_up(), [&upscale] { upscale->Cancel(); });
  // The last callback owns the promise: this function may have returned, and its locals
  // be gone, before set_value has.
  upscale->Start(
      work.channel,
      {.spec = work.spec,
       .image = std::move(input.bytes),
       .latents = std::move(input.latents),
       .api_key = work.line.api_key,
       .timeout = work.line.timeout},
      {.on_event =
           [&](const auto& event) {
             work.server.Heard(absl::OkStatus());
             work.progress.Show(task.input, event);
           },
       .on_retry =
           [&](const absl::Status& status, std::chrono::milliseconds delay) {
             work.server.Heard(status, delay);
             if (!work.server.status().ok()) return;  // The next try is called off.
             work.progress.ShowRetry(task.input, status, delay);
           },
       .on_done =
           [answer = std::move(answer)](absl::StatusOr<v1::UpscaleResponse> response) mutable {
             answer.set_value(std::move(response));
           }});
  return answered.get();
}

// What is written of a picture that has come.
absl::StatusOr<std::string> FileOf(v1::UpscaledImage& image) {
  if (image.has_latents()) return MakeNpy(image.latents(), image.data());
  return std::move(*image.mutable_data());
}

absl::Status WriteFiles(v1::UpscaleResponse& response, const FileWork& work, FileResult& result) {
  for (int i = 0; i < response.images_size(); ++i) {
    UPSCALER_ASSIGN_OR_RETURN(const std::string file, FileOf(*response.mutable_images(i)));
    response.mutable_images(i)->clear_data();
    const std::string& path = result.task.outputs[static_cast<std::size_t>(i)];
    UPSCALER_RETURN_IF_ERROR(WritePicture(path, file, work.out));
    result.bytes.push_back(file.size());
  }
  return absl::OkStatus();
}

}  // namespace

FileResult UpscaleFile(const FileTask& task, const FileWork& work) {
  absl::StatusOr<Input> input = ReadInput(task, work);
  if (!input.ok()) return FileFailed(task, input.status());
  if (absl::Status status = MakeFolder(task); !status.ok()) return FileFailed(task, status);

  absl::StatusOr<v1::UpscaleResponse> response = Ask(task, *std::move(input), work);
  if (absl::IsCancelled(response.status()) && work.stop.stop_requested()) {
    return {.outcome = Outcome::kInterrupted, .task = task};
  }
  work.server.Heard(response.status());
  if (absl::IsCancelled(response.status()) && !work.server.status().ok()) {
    return ServerGone(task, work.server.status());
  }
  const std::size_t wanted = task.outputs.size();
  if (response.ok() && static_cast<std::size_t>(response->images_size()) != wanted) {
    response = absl::InternalError(
        fmt::format("the server sent {} pictures, wanted {}", response->images_size(), wanted));
  }
  if (!response.ok()) return CallFailed(task, response.status(), work.line.server.target);

  FileResult result{.task = task};
  if (absl::Status status = WriteFiles(*response, work, result); !status.ok()) {
    return FileFailed(task, std::move(status));
  }
  result.response = *std::move(response);
  return result;
}

FileResult EstimateFile(const FileTask& task, const FileWork& work) {
  const absl::StatusOr<Input> input = ReadInput(task, work);
  if (!input.ok()) return FileFailed(task, input.status());

  FileResult result{.outcome = Outcome::kEstimated, .task = task};
  v1::EstimateUpscaleRequest request;
  *request.mutable_spec() = work.spec;
  if (input->latents.has_value()) {
    *request.mutable_latents() = *input->latents;
  } else if (const auto size = ReadPictureSize(input->bytes)) {
    *request.mutable_image_size() = *size;
    result.input_size = *size;
  } else {
    return FileFailed(
        task, absl::InvalidArgumentError(fmt::format(
                  "cannot tell the size of {}: it does not begin like a picture", task.input)));
  }
  auto estimate = AskEstimate(
      work.channel, request,
      {.api_key = work.line.api_key, .timeout = work.line.timeout.value_or(kQuestionTimeout)});
  if (!estimate.ok()) return CallFailed(task, estimate.status(), work.line.server.target);
  result.estimate = *std::move(estimate);
  return result;
}

}  // namespace upscaler
