#include "tools/parity/golden.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include "common/mapped_file.h"
#include "common/status_macros.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/vips_library.h"

namespace upscaler {
namespace {

// The settings of the run, each by its name in the file's metadata.
class Settings {
 public:
  Settings(const SafetensorsFile& file, const std::filesystem::path& path)
      : file_(file), path_(path) {}

  absl::StatusOr<std::string> Text(const char* name) const {
    const auto found = file_.metadata.find(name);
    if (found != file_.metadata.end()) return found->second;
    return absl::FailedPreconditionError(
        fmt::format("{}: the metadata has no '{}', wanted a golden's", path_.string(), name));
  }

  absl::StatusOr<double> Number(const char* name) const {
    UPSCALER_ASSIGN_OR_RETURN(const std::string text, Text(name));
    double number = 0;
    if (absl::SimpleAtod(text, &number)) return number;
    return absl::FailedPreconditionError(
        fmt::format("{}: '{}' is \"{}\", wanted a number", path_.string(), name, text));
  }

  absl::StatusOr<std::uint64_t> Natural(const char* name) const {
    UPSCALER_ASSIGN_OR_RETURN(const std::string text, Text(name));
    std::uint64_t number = 0;
    if (absl::SimpleAtoi(text, &number)) return number;
    return absl::FailedPreconditionError(
        fmt::format("{}: '{}' is \"{}\", wanted a whole number", path_.string(), name, text));
  }

 private:
  const SafetensorsFile& file_;
  const std::filesystem::path& path_;
};

// -> [H, W, 3] of uint8
absl::StatusOr<at::Tensor> ReadPicture(const std::filesystem::path& path) {
  UPSCALER_ASSIGN_OR_RETURN(const std::unique_ptr<VipsLibrary> vips, VipsLibrary::Start());
  UPSCALER_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  const std::string_view encoded(reinterpret_cast<const char*>(file->bytes().data()),
                                 file->bytes().size());
  UPSCALER_ASSIGN_OR_RETURN(Image image, DecodeImage(encoded, DecodeLimits{}));
  // A copy, because `image` ends here.
  return at::from_blob(image.pixels.data(), {image.height, image.width, 3}, at::kByte).clone();
}

// The picture as the network saw it, [1, 3, H, W] in [-1, 1] -> [H, W, 3] of uint8
at::Tensor ToBytes(const at::Tensor& pixels) {
  return ((pixels[0] + 1) / 2 * 255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
}

absl::StatusOr<at::Tensor> PictureOf(const SafetensorsFile& file, const std::filesystem::path& path,
                                     const std::filesystem::path& picture) {
  if (!picture.empty()) return ReadPicture(picture);
  const auto pixels = file.tensors.find("vae.pixels");
  if (pixels != file.tensors.end()) return ToBytes(pixels->second);
  return absl::FailedPreconditionError(
      fmt::format("{}: there is no 'vae.pixels'; name the picture with --image", path.string()));
}

}  // namespace

absl::StatusOr<Golden> ReadGolden(const std::filesystem::path& file,
                                  const std::filesystem::path& picture) {
  UPSCALER_ASSIGN_OR_RETURN(SafetensorsFile golden, OpenSafetensors(file));
  const Settings settings(golden, file);
  PipelineRequest request;
  UPSCALER_ASSIGN_OR_RETURN(request.prompts.prompt, settings.Text("prompt"));
  UPSCALER_ASSIGN_OR_RETURN(request.prompts.negative, settings.Text("negative_prompt"));
  UPSCALER_ASSIGN_OR_RETURN(request.prompts.guidance_scale, settings.Number("guidance_scale"));
  UPSCALER_ASSIGN_OR_RETURN(request.seed, settings.Natural("seed"));
  UPSCALER_ASSIGN_OR_RETURN(const std::uint64_t steps, settings.Natural("steps"));
  request.steps = static_cast<std::int64_t>(steps);
  UPSCALER_ASSIGN_OR_RETURN(request.pixels, PictureOf(golden, file, picture));
  return Golden{.request = std::move(request), .tensors = std::move(golden.tensors)};
}

}  // namespace upscaler
